"""A person decides in a browser: pages over the same store, and the same decision, as the terminal.

Loaded by `descope-mcp console` and by a server over HTTP whose configuration has one.
"""
