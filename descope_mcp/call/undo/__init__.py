"""Taking calls back, along the same path as every call."""
