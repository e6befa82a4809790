"""MCP; the only layer that knows the protocol."""
