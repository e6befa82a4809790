"""A person's word for exactly one call, which nothing that a model says can stand for."""
