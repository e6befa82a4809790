"""A person at this terminal is told of something, and answers; a pipe is nobody."""
