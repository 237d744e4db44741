"""What people look at: numbers as words, tables, pictures."""
