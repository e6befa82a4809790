"""What became of a call, an undo or a plan, as a command prints it."""
