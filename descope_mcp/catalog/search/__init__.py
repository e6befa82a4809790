"""Finding operations by what somebody wants to do. Loaded by the first search."""
