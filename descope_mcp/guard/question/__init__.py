"""What a person reads before saying yes: all that is approved, and nothing in another voice."""
