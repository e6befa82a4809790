"""Compiling ``tool_specs`` to one catalog. Nothing here runs in a server whose catalog is current."""
