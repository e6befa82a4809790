"""A local stand-in for Descope: the same operations, the same wire, state in memory."""
