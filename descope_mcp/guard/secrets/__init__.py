"""No secret in an answer reaches a model; no foreign text passes for the server's own."""
