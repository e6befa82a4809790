"""descope-mcp: the whole Descope API as guarded MCP tools."""

__version__ = "0.1.0"
