"""Descope's own SDK suites against the sandbox: what of it is answered, and why not the rest."""
