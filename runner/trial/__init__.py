"""What a run is: a recipe and a trace."""
