"""Traces and metrics, where the environment asks for them; nothing is loaded where it does not."""
