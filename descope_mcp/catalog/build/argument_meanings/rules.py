"""Rules that follow from what arguments mean, beside those that a record states.

Whatever gives rights, or sends codes, tokens or people somewhere, can give control of an account:
that holds for every argument so marked. Where the before-state is compared, only what changes
counts. What a rule of the record says already is not said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.arguments.meanings import Marks, Meaning
from descope_mcp.catalog.build.argument_meanings.marks import Entry
from descope_mcp.catalog.operation_record.effect import Hazard
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.operation_record.rule import COMPARISONS, CONDITIONS, Rule
from descope_mcp.catalog.replacement import is_compared
from descope_mcp.catalog.schemas import input_schema

_TAKES_OVER: Hazard = "account_takeover"
#: The argument that an account is named after.
_ACCOUNT = "loginId"
#: Conditions that hold for an argument whatever is in it.
_PLAIN = ("given", "filled", "is_true", "changed", "gains")


def follow(
    record: Record,
    properties: Mapping[str, Any],
    marks: Mapping[Meaning, Marks],
    entries: Mapping[Meaning, Entry],
) -> list[Rule]:
    """The rules that follow for one operation.

    Args:
        record: of it.
        properties: the schemas of its arguments.
        marks: what they mean.
        entries: of the meanings, which say why.
    """
    own = {"type": "object", "properties": properties}
    rules: list[Rule] = []
    for meaning, marked in marks.items():
        entry = entries[meaning]
        said: dict[str, Any] = {"add": (_TAKES_OVER,), "why": entry.why, "say": entry.say}
        said["meaning"] = meaning
        open_paths = [path for path in marked.acts if not _stated(record, path, meaning)]
        if meaning == "recipients":
            conditions = _other_addresses(record, own, open_paths, entry)
        elif meaning == "hosts":
            conditions = _where(record, "foreign_host", open_paths)
            conditions += [{"foreign_link": marked.texts}] if marked.texts else []
        else:
            switches = [p for p in open_paths if _is_switch(own, p)]
            values = [p for p in open_paths if p not in switches]
            differs = "changed" if meaning == "ways_in" else "gains"
            conditions = [
                *_where(record, "is_true", switches),
                *_where(record, "filled", values, differs),
            ]
        rules += [Rule.model_validate({**condition, **said}) for condition in conditions]
    return rules


def _where(
    record: Record, condition: str, paths: list[str], differs: str = "changed"
) -> list[dict[str, Any]]:
    """The condition on all paths; on each by itself where it is compared with the before-state.

    What is created counts as it is: where nothing exists there is nothing to compare it with.
    """
    compared = [p for p in paths if is_compared(record, p) and not record.may_overwrite]
    rest = tuple(path for path in paths if path not in compared)
    changing = [{condition: (path,), differs: (path.partition(".*")[0],)} for path in compared]
    return [*([{condition: rest}] if rest else []), *changing]


def _other_addresses(
    record: Record, own: Mapping[str, Any], paths: list[str], entry: Entry
) -> list[dict[str, Any]]:
    """Conditions on addresses beside the one that an account is named after.

    Another address of the same kind always counts; one of another kind only if something goes
    there: because a switch says so, or because the operation does nothing else.
    """
    pairs = [(account, p) for p in paths if (account := _account_of(own, p))]
    conditions: list[dict[str, Any]] = [
        {"unlike": {account: tuple(p for a, p in pairs if a == account)}}
        for account in dict.fromkeys(account for account, _ in pairs)
    ]
    for account, path in pairs:
        name = path.rpartition(".")[2]
        switches = tuple(s for s in entry.sent_when.get(name, ()) if s in own["properties"])
        if switches:
            conditions.append({"elsewhere": {account: (path,)}, "is_true": switches})
        elif "sends_message" in record.hazards and path == name:
            conditions.append({"elsewhere": {account: (path,)}})
    return conditions


def _account_of(own: Mapping[str, Any], path: str) -> str:
    """The argument that names the account which an address belongs to, "" where there is none."""
    element, bracket, _ = path.rpartition("[].")
    account = f"{element}{bracket}{_ACCOUNT}"
    known = path != account and input_schema.lookup(dict(own), account) is not None
    return account if known else ""


def _is_switch(own: Mapping[str, Any], path: str) -> bool:
    return (input_schema.lookup(dict(own), path) or {}).get("type") == "boolean"


def _stated(record: Record, path: str, meaning: Meaning) -> bool:
    """Whether the record makes every call that fills in `path` a take-over by itself."""
    if meaning == "hosts":
        # Whatever else a record says of an address, a person is told that its host is foreign.
        told = (r.foreign_host for r in record.when if _TAKES_OVER in r.add)
        return any(path == one.removesuffix("[]") for paths in told for one in paths)
    if any(_TAKES_OVER in r.add and _rests_on(r, path) for r in record.when):
        return True
    droppings = [r for r in record.when if _TAKES_OVER in r.drop]
    return _TAKES_OVER in record.hazards and all(_excludes(r, path) for r in droppings)


def _rests_on(rule: Rule, path: str) -> bool:
    """Whether a rule applies as soon as there is something at `path`."""
    conditions = [name for name in (*CONDITIONS, *COMPARISONS) if getattr(rule, name)]
    if len(conditions) != 1 or conditions[0] not in _PLAIN:
        return False
    return any(_within(path, watched) for watched in getattr(rule, conditions[0]))


def _excludes(rule: Rule, path: str) -> bool:
    """Whether a rule that relaxes cannot apply where something is at `path`."""
    allowed = rule.only or rule.only_changed
    listed = bool(allowed) and not any(_within(path, one) for one in allowed)
    return listed or any(_within(path, one) for one in rule.empty)


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))
