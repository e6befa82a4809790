"""Why the store cannot be used."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, read or written; the message says why and what to do."""


class NotAsLeft(StoreError):
    """Something was taken out of the store, or an older copy was put in its place.

    Nothing that changes anything runs until a person has accepted that.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the store is not as it was left: {what}; a person has to look at it and accept it "
            "in a terminal: `descope-mcp journal accept`"
        )
        self.what = what


class WrongKey(StoreError):
    """The key file is not the one that the state was written with."""


class KeyChanged(StoreError):
    """The key was replaced since the store was opened; the next attempt uses the new one."""

    def __init__(self) -> None:
        super().__init__("its key has just been replaced; try again")
