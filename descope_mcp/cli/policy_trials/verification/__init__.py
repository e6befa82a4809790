"""What the guard promises, proven on somebody's own policy and settings, against a sandbox."""
