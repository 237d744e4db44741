"""The end of a study: fresh seeds, the answer, its tables and pictures, a summary run."""
