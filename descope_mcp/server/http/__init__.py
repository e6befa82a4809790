"""MCP over streamable HTTP, for many callers, in both eras of the protocol."""
