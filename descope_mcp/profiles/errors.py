"""What keeps a profile from being used or kept. Each text ends in a remedy and holds no key."""

from __future__ import annotations


class ProfileError(Exception):
    """The profile is not there, or its key cannot be had."""
