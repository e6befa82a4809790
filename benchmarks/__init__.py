"""Benchmarks: each can be run alone and prints a table."""
