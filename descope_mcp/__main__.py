"""``python -m descope_mcp`` is ``descope-mcp``."""

from descope_mcp.cli.main import main

main()
