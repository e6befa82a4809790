"""What people write for this program, read as it was meant, and named where it was not."""
