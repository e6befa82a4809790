"""What keeps a person from being asked in a terminal. Each ends the command, refused."""

from __future__ import annotations


class NoTerminal(Exception):
    """There is no terminal to speak in."""


class NotProven(Exception):
    """The person did not prove that they have the second factor."""
