"""What people said ahead and what is used up of it: each counts once, in whatever process."""
