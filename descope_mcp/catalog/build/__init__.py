"""Compiling ``tool_specs`` to one catalog. A server whose catalog is current runs nothing of it."""
