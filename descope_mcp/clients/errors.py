"""What keeps an entry from being put into a client's configuration. Each text ends in a remedy."""

from __future__ import annotations


class ClientError(Exception):
    """The client's configuration was left as it was, or put back."""


class MalformedConfiguration(ClientError):
    """A configuration file that its client could not read either; nothing in it was changed."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {what}")
