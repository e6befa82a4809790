"""What a rule says of the caller: conditions on claims, and patterns that stand for them.

As everywhere in a rule, doubt counts against the caller: a claim that is not known lets nothing
through, and is no way around what restricts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from glob import escape

from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.glob import fits, resembles

#: Patterns by the name of a claim.
Who = Mapping[str, tuple[str, ...]]

_STANDS_FOR = re.compile(r"\{caller\.([a-z][a-z0-9_]*)\}")
_ANYTHING = "*"


def is_meant(caller: Caller, who: Who, *, exactly: bool) -> bool:
    """Whether each claim that `who` names has a value that fits.

    Args:
        caller: who calls.
        who: the conditions.
        exactly: as a rule that allows reads them: a claim that is not known fits nothing, and
            values are compared as they are spelled. Otherwise one that is not known fits.
    """
    return all(_has(caller.known(claim), patterns, exactly) for claim, patterns in who.items())


def _has(values: tuple[str, ...] | None, patterns: tuple[str, ...], exactly: bool) -> bool:
    if values is None:
        return not exactly
    fitting = fits if exactly else resembles
    return any(fitting(value, pattern) for value in values for pattern in patterns)


def claims_in(pattern: str) -> list[str]:
    """The claims that a pattern stands for."""
    return _STANDS_FOR.findall(pattern)


def misread(pattern: str) -> str:
    """What is wrong with what stands in braces in a pattern, "" if nothing is."""
    if "{caller" not in _STANDS_FOR.sub("", pattern):
        return ""
    return f"write {{caller.tenant}} or another claim of the caller in {pattern}"


def filled_in(patterns: tuple[str, ...], caller: Caller, *, exactly: bool) -> tuple[str, ...]:
    """Patterns with the caller's own values where they stand for them, one for each value.

    Of a claim that the caller has not, or that is not known, a rule that allows gets no pattern,
    so that it matches nothing; one that restricts gets a pattern of everything.
    """
    return tuple(one for pattern in patterns for one in _each(pattern, caller, exactly))


def _each(pattern: str, caller: Caller, exactly: bool) -> list[str]:
    found = _STANDS_FOR.search(pattern)
    if found is None:
        return [pattern]
    values = [escape(value) for value in caller.known(found[1]) or ()]
    if not values and not exactly:
        values = [_ANYTHING]
    before, after = pattern[: found.start()], pattern[found.end() :]
    # What the caller has is put in as it is, also where it looks like something to fill in.
    rest = _each(after, caller, exactly)
    return [f"{before}{value}{end}" for value in values for end in rest]
