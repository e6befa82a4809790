"""What is said of an operation in words, derived from its record."""
