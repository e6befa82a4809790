"""What is said of a seed file that cannot be used."""


class SeedError(Exception):
    """A seed file cannot be used; one line a problem, each with file and line."""
