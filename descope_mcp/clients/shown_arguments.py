"""The arguments of an entry as they may be shown: people write keys into them, too."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
#: Options whose values are nobody's secret: of `serve`, and of what starts it.
_PLAIN = frozenset(
    """
    --toolsets --policy --shadow-policy --profile --http --auth --allowed-host --allowed-origin
    --trusted-proxy --from --with --python -p -m
    """.split()  # noqa: SIM905 - the words of a command line, read as one
)
#: Options that take no value, so that the word behind them is one of its own.
_ALONE = frozenset(
    """
    --read-only --sandbox --no-auth --stateless --json-answers -- -u -I -E -s -S -y --yes --offline
    """.split()  # noqa: SIM905 - the same
)
_SIGNED_IN = re.compile(r"(?<=//)[^/@\s]+(?=@)")
#: What stands behind a path, in which services take keys.
_QUERY = re.compile(r"(?<=://)([^?#\s]*[?#])\S+")


def shown_arguments(args: Iterable[str]) -> list[str]:
    """The words of a command line; what another option or a variable is given is hidden.

    Of an address, its account and what follows the path are hidden as well.
    """
    shown, option = [], ""
    for word in args:
        name, given, _ = word.partition("=")
        if option and not word.startswith("-"):
            shown.append(without_account(word) if option in _PLAIN else HIDDEN)
        elif given and name not in _PLAIN and "://" not in name:
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(without_account(word))
        option = word if word.startswith("-") and not given and word not in _ALONE else ""
    return shown


def without_account(text: str) -> str:
    """A text whose addresses show neither an account nor a query."""
    return _QUERY.sub(rf"\1{HIDDEN}", _SIGNED_IN.sub(HIDDEN, text))
