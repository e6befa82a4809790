"""Asking a person through the client, in both eras of the protocol, or outside of it."""
