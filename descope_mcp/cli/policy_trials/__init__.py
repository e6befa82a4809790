"""A policy tried before it counts: verified, replayed, compared."""
