"""What decides whether a call may run, and what keeps its secrets."""
