"""Working out what a person is told: about a call, a plan, an undo."""
