"""The service as clients see it: routes, credentials, limits, faults, its own control paths."""
