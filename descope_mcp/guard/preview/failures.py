"""Why a preview could not be made."""

from __future__ import annotations


class PreviewFailed(Exception):
    """The before-state could not be read; the message says why, for a refusal."""


class TargetMissing(PreviewFailed):
    """The read worked, and what the call names is not there."""


class Ambiguous(PreviewFailed):
    """What the call names stands for two different things."""


class TooMuchToRead(PreviewFailed):
    """It would take more reads than a preview may make."""
