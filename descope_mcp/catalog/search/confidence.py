"""How sure it is that the best operation is what was asked for.

`scripts/train_search.py` weighs the signals by logistic regression: on phrasings, and on what no
operation does, both left out of the model that judges them. The weights stand in the model's file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Signals(NamedTuple):
    """What a query and the operation that fits it best say of whether it does fit."""

    margin: float  # how much more the model says for the operation than for none
    nothing: float  # what the model says for none
    covered: float  # the share of what is asked for that the operation has; rare words count more
    like: float  # how like what is covered of the query is to a phrase of the operation
    agreement: float  # how many of the next best are of the operation's toolset
    misspelt: float  # the share of words that speak for an operation if they are put right
    strangers: float  # the share of words that speak for none


def sure(signals: Signals, weights: Sequence[float]) -> float:
    """Above 0 where the operation is likely to fit; the last weight stands alone."""
    *each, alone = weights
    return sum(weight * value for weight, value in zip(each, signals, strict=True)) + alone
