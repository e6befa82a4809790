"""The authenticated way to Descope; the only layer that knows httpx."""
