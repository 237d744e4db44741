"""What came out, as plain data."""
