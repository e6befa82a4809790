"""Snapshots: all settings of the project as files, to be imported here or into another project.

A file is ``<part>/<name>.json``. An import goes through the operations that set each thing, so it
checks what they check; what the snapshot lacks is deleted. Users, tenants and keys are no part of
it, and secrets are blank in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID_SNAPSHOT, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, objects, strings
from descope_mcp.sandbox.engine.registry import HANDLERS, Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import PROJECTS, State
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.project.snapshot_parts import PARTS, Call, Part

#: A path and what is in it.
File = tuple[str, Record]


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


#: What ``inputSecrets`` and ``missingSecrets`` are sorted by.
_SECRETS_OF = ("connectors", "oauthProviders", "outboundApps", "externalAuth")


@handles("ExportSnapshot", "ExportProject")
def export_snapshot(state: State, arguments: Arguments) -> Answer:
    """Every setting as a file; secrets are blank."""
    files: Record = {}
    for name, part in PARTS.items():
        for record in _present(state, part):
            content = {k: v for k, v in record.items() if k not in part.left_out}
            content |= {k: "" for k in part.secrets if k in content}
            files[f"{name}/{'settings' if part.single else record[part.by]}.json"] = content
    return {"files": files}


@handles("ImportSnapshot", "ImportProject")
def import_snapshot(state: State, arguments: Arguments) -> Answer:
    """Overwrite all settings but those of ``excludes``; an invalid file stops all of it."""
    failures, missing = _imported(state, arguments)
    if failures or any(missing.values()):
        text = failures[0] if failures else "secrets are missing"
        raise DescopeError(INVALID_SNAPSHOT, f"{INVALID_SNAPSHOT.description}: {text}")
    state.record("ProjectImported")
    return None


@handles("ValidateSnapshot")
def validate_snapshot(state: State, arguments: Arguments) -> Answer:
    """What an import would fail with, and the secrets that it would need; nothing is changed."""
    failures: list[str] = []
    missing: Record = {}
    with suppress(_UndoneError), state.transaction():
        failures, missing = _imported(state, arguments)
        raise _UndoneError
    return {
        "ok": not failures and not any(missing.values()),
        "failures": failures,
        "missingSecrets": missing,
    }


def _imported(state: State, arguments: Arguments) -> tuple[list[str], Record]:
    """Import all that can be; gives what could not be, and the secrets that nobody gave."""
    given = fill({"files": {}, "excludes": [], "inputSecrets": {}}, arguments)
    if not given["files"]:
        require({}, "files")
    excluded = strings(given, "excludes")
    contents, failures = _sorted_by_part(given["files"])
    missing = {name: list[Record]() for name in _SECRETS_OF}
    for name, part in PARTS.items():
        if name in excluded:
            continue
        for path, content in contents[name]:
            if part.secrets:
                inputs = objects(given["inputSecrets"], part.ask_under)
                missing[part.ask_under] += _with_secrets(state, part, content, inputs)
            try:
                with state.transaction():
                    _put(state, part, content)
            except DescopeError as error:
                failures.append(f"{path}: {error.message}")
        kept = {str(content.get(part.by)) for _, content in contents[name]}
        for record in _present(state, part):
            is_kept = bool(kept) if part.single else record[part.by] in kept
            if part.drop and not is_kept:
                _call(state, part.drop(record))
    return failures, missing


def _sorted_by_part(files: Mapping[str, Any]) -> tuple[dict[str, list[File]], list[str]]:
    """The files by their part, and what is wrong with those that have none."""
    contents: dict[str, list[File]] = {name: [] for name in PARTS}
    failures = []
    for path, content in files.items():
        name = path.partition("/")[0]
        if name not in contents:
            failures.append(f"{path}: there is no part {name}")
        elif not isinstance(content, Mapping):
            failures.append(f"{path}: an object is expected")
        else:
            contents[name].append((path, dict(content)))
    return contents, failures


def _put(state: State, part: Part, content: Record) -> None:
    key = fill({part.by: ""}, content)[part.by]
    if not part.single:
        require(content, part.by)
    same = (record for record in _present(state, part) if record[part.by] == key)
    _call(state, part.put(content, next(same, None)))


def _with_secrets(
    state: State, part: Part, content: Record, inputs: Iterable[Mapping[str, Any]]
) -> list[Record]:
    """Put secrets that were given into `content`; gives those that are missing.

    One that the project has already stays.
    """
    missing = []
    key = content.get(part.by)
    found = state.find(TABLES[part.table], **{part.by: key}) if isinstance(key, str) else None
    for secret in part.secrets:
        values = [i.get("value") for i in inputs if i.get("id") == key and i.get("type") == secret]
        if values:
            content[secret] = values[0]
        elif found and found[secret]:
            content[secret] = found[secret]
        elif content.get("clientId"):
            missing.append({"id": key, "name": content.get("name"), "type": secret, "value": ""})
    return missing


def _present(state: State, part: Part) -> list[Record]:
    records = state.all(TABLES[part.table])
    if part.table == PROJECTS.name:
        records = [state.project]
    return [record for record in records if not part.fixed(record)]


def _call(state: State, call: Call) -> None:
    operation, arguments = call
    HANDLERS[operation](state, arguments)
