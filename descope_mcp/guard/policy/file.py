"""Reading a policy file: TOML to rules, or a message that names file, line and remedy.

Nothing in a file is overlooked: a key, operation, argument or value that means nothing here, and
a rule that can never decide, are errors. A policy that says less than its author thinks would
fail open.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.configuration import text_files
from descope_mcp.configuration.documents import from_toml
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file_format import PolicyTable, RuleTable
from descope_mcp.guard.policy.rule import PolicyRule
from descope_mcp.guard.policy.rule_compiler import compile_rule

_READY = Path(__file__).parents[2] / "policies"
_BARE = re.compile(r"[a-z][a-z-]*")
_HEADER = re.compile(r"""\s*\[\[\s*(?:rule|"rule"|'rule')\s*\]\]""")


class PolicyError(Exception):
    """The policy file is wrong; one line per problem: ``file:line: problem; remedy``."""


class _Source(NamedTuple):
    """A file's name and lines, and the lines (from 1) at which its rules begin."""

    name: str
    lines: list[str]
    rules: list[int]

    def place(self, rule: int, key: str = "") -> str:
        """``file:line`` of a key of a rule (from 0), of the rule itself if it is not found."""
        begin = self.rules[rule]
        end = [*self.rules, len(self.lines) + 1][rule + 1]
        return f"{self.name}:{_line_of(key, self.lines, begin, end) or begin}"


def ready_made() -> list[str]:
    """The names of the policies that come with the package."""
    return sorted(path.stem for path in _READY.glob("*.toml"))


def applied(name: str, catalog: Catalog, own: Policy) -> Policy:
    """The policy of the settings (`own`) with what a file adds.

    Args:
        name: the path of a file, or the bare name of a ready-made policy.
        catalog: whose operations, toolsets and arguments the file may name.
        own: what the settings say.

    Raises:
        PolicyError: with every problem that was found.
    """
    path, text = _text(name)
    rules, table = _parsed(path.name, text, catalog)
    return replace(
        own,
        production=own.production | frozenset(table.production),
        rules=rules,
        source=Path(name).name,
        text=text,
        ask_from=table.ask_from,
        long_documents=table.long_documents,
    )


def read(name: str, catalog: Catalog) -> tuple[tuple[PolicyRule, ...], frozenset[str]]:
    """The rules of a policy file in their order, and the projects that it marks as production.

    Args:
        name: the path of a file, or the bare name of a ready-made policy.
        catalog: whose operations, toolsets and arguments the file may name.

    Raises:
        PolicyError: with every problem that was found.
    """
    path, text = _text(name)
    return parse(path.name, text, catalog)


def _text(name: str) -> tuple[Path, str]:
    """Where a policy file is, and what it says."""
    path = _find(name)
    try:
        return path, text_files.read(path)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise PolicyError(f"{name}: {reason}; {_where_else()}") from None
    except ValueError as error:
        raise PolicyError(f"{path.name}: {error}") from None


def parse(name: str, text: str, catalog: Catalog) -> tuple[tuple[PolicyRule, ...], frozenset[str]]:
    """Like `read`, for the text of a file called `name`."""
    rules, table = _parsed(name, text, catalog)
    return rules, frozenset(table.production)


def _parsed(name: str, text: str, catalog: Catalog) -> tuple[tuple[PolicyRule, ...], PolicyTable]:
    """The rules of a file's text, and the file as it is written."""
    try:
        data = from_toml(text)
    except ValueError as error:
        found = re.fullmatch(r"(.*) \(at (?:line (\d+), .*|end of document)\)", str(error))
        what, line = (found[1], found[2]) if found else (str(error), None)
        place = f"{name}:{line or text.count(chr(10)) + 1}"
        raise PolicyError(f"{place}: {what}; correct the TOML") from None
    lines = text.split("\n")
    source = _Source(name, lines, [n for n, line in enumerate(lines, 1) if _HEADER.match(line)])
    written = data.get("rule", [])
    if not isinstance(written, list) or len(written) != len(source.rules):
        line = _line_of("rule", lines, 1, len(lines) + 1) or 1
        raise PolicyError(f"{name}:{line}: rules cannot be told apart; head each with [[rule]]")
    try:
        table = PolicyTable.model_validate(data)
    except ValidationError as error:
        problems = [_explain(source, one) for one in error.errors()]
        raise PolicyError("\n".join(dict.fromkeys(problems))) from None
    return _rules(source, table, catalog), table


def _find(name: str) -> Path:
    if not _BARE.fullmatch(name):
        return Path(name)
    if name not in ready_made():
        raise PolicyError(f"{name}: there is no ready-made policy of this name; {_where_else()}")
    return _READY / f"{name}.toml"


def _where_else() -> str:
    return f"name a TOML file by its path (./policy.toml), or one of: {', '.join(ready_made())}"


def _line_of(key: str, lines: list[str], begin: int, end: int) -> int | None:
    """The first of the lines from `begin` up to `end` (from 1) that gives `key` a value."""
    named = rf"""["']?{re.escape(key)}["']?\s*(?:[.=\]]|$)"""
    inline = re.compile(rf"""(?:^\s*\[?\[?\s*(?:[\w-]+\.)*|[{{,]\s*){named}""")
    numbers = range(begin, min(end, len(lines) + 1))
    return next((n for n in numbers if key and inline.search(lines[n - 1])), None)


def _explain(source: _Source, error: ErrorDetails) -> str:
    """One problem of form with its place."""
    loc = error["loc"]
    if loc[0] == "rule" and len(loc) > 1 and isinstance(loc[1], int):
        keys, known = [str(part) for part in loc[2:]], list(RuleTable.model_fields)
        names = [key for key in keys if not key.isdecimal() and key != "[key]"]
        place = source.place(loc[1], names[-1] if names else "")
    else:
        keys, known = [str(loc[0])], list(PolicyTable.model_fields)
        line = _line_of(keys[0], source.lines, 1, len(source.lines) + 1)
        place = f"{source.name}:{line or 1}"
    key = keys[0] if keys else "rule"
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            return f"{place}: there is no key {key}; {remedy}"
        case "missing":
            return f"{place}: {key} is missing; say what the rule decides: allow, confirm or deny"
        case "literal_error":
            return f"{place}: {key}: write {error['ctx']['expected']}"
        case "string_pattern_mismatch" | "string_too_long":
            return f"{place}: {key}: write one line of at most 200 characters"
        case "value_error":
            return f"{place}: {key}: {error['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{place}: {key}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _rules(source: _Source, table: PolicyTable, catalog: Catalog) -> tuple[PolicyRule, ...]:
    """The rules, checked against the catalog and each other.

    Raises:
        PolicyError: some rule names what does not exist, allows too much or can never decide.
    """
    rules: list[PolicyRule] = []
    problems: list[str] = []
    for index, written in enumerate(table.rule):
        rule, wrong = compile_rule(written, source.place(index), tuple(rules), catalog)
        problems += [f"{source.place(index, key)}: {message}" for key, message in wrong]
        rules.append(rule)
    if problems:
        raise PolicyError("\n".join(problems))
    return tuple(rules)
