"""MCP servers that the project protects, and the clients that agents are."""
