"""Why nobody is let in. The texts go to the client: nothing of a token is in them."""

from __future__ import annotations


class InvalidToken(Exception):
    """The token does not count; the text says why."""


class NotVerifiable(Exception):
    """Whether the token counts cannot be known now: try again after so many seconds."""

    def __init__(self, why: str, after: float) -> None:
        super().__init__(why)
        self.after = after
