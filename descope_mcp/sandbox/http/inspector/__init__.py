"""Pages on the sandbox itself, for a person with a browser on this machine."""
