"""Configuration files edited in place: comments, order and all other values stay as they are."""
