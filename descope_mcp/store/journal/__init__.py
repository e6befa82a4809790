"""What was about to be done and what became of it, in a chain that shows every tampering."""
