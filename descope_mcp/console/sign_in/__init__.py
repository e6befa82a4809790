"""How somebody becomes known to the console, what they may do there, and for how long."""
