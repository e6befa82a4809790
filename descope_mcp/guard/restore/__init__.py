"""How a call is taken back: the calls that bring back what was there before it."""
