"""Values that nobody filled in, or that came with something around them, or in each other's place.

Clients, shells and container runtimes pass on what a file says: a variable that nothing replaced,
the quotes of a .env file, the line end of a mounted secret. Sent to Descope it would only be a 401.
"""

from __future__ import annotations

import re

#: What template languages, shells, Windows and documentation put in a value's place.
_PLACEHOLDER = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|%\w+%|\{\{[^}]*\}\}|<[^>]*>|\[[^\]]*\]"
    r"|(?i:your[-_ ].*|change[-_ ]?me|x{3,}|\.{3}|…|todo|none|null|undefined)"
)
_QUOTES = ('"', "'", "`", "“”", "‘’", "„“", "«»")  # noqa: RUF001 - what editors make of quotes
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_PROJECT = re.compile(r"P[0-9A-Za-z]{27}(?:[0-9A-Za-z]{4})?")
_KEY = re.compile(r"K[0-9A-Za-z]{35,}")


def unfilled(value: str) -> str:
    """Why the value can be none that somebody meant, "" if it may be. Never repeats it."""
    if _PLACEHOLDER.fullmatch(value.strip()):
        return "is a placeholder that nothing has filled in; put the value itself there"
    if any(len(value) > 1 and value[0] == q[0] and value[-1] == q[-1] for q in _QUOTES):
        return "stands in quotes that are passed on with it; leave them out"
    return ""


def surrounded(value: str) -> str:
    """Why a value without blanks has some around it, "" if it has none."""
    if value == value.strip():
        return ""
    where = "ends in a line break" if value.endswith(("\n", "\r")) else "has a space around it"
    return f"{where}; copy it again without"


def no_key(value: str) -> str:
    """What a value is that should be a key, "" if it may be one."""
    if _PROJECT.fullmatch(value):
        return (
            "is a project id; it belongs in DESCOPE_PROJECT_ID, and a key here "
            "(Descope console, Company, Management Keys)"
        )
    if value.lower().startswith("bearer"):
        return "begins with Bearer; set the key alone"
    if _TOKEN.fullmatch(value):
        return "is a token of a session; a key begins with K (Descope console)"
    if re.match(r"https?://", value):
        return "is an address; it belongs in DESCOPE_BASE_URL, and a key here"
    return ""


def no_project(value: str) -> str:
    """What a value is that should be a project id, "" if there is no telling."""
    if _KEY.fullmatch(value):
        return "is a key; it belongs in DESCOPE_MANAGEMENT_KEY, and the project's id here"
    return ""
