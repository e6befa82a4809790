"""What is recorded of the real service's answers, and the organisation that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.recorded_answers import RECORDED, record_of
from descope_mcp.sandbox.engine.rows import Rows, values_at
from descope_mcp.sandbox.engine.state import PROJECTS, State
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, named, referring
from descope_mcp.sandbox.http.masking import masked
from descope_mcp.sandbox.recording import kinds
from descope_mcp.sandbox.recording.pseudonyms import Pseudonyms
from descope_mcp.sandbox.seed_files.fresh_secrets import filled
from descope_mcp.sandbox.seeds import organisations

_PROJECT_ID = re.compile(r"P[0-9A-Za-z]{20,63}")


class Recorder:
    """Answers that were heard; secrets are left out at once, people when it becomes a seed.

    What is heard later counts: it takes the place of what has the same key, or anything else that
    only one can have (the login id of somebody who was deleted and made again).

    Attributes:
        heard: how many answers were recorded.
        left_out: tables and keys of the records that fit in nowhere.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Rows] = {}
        self._answers: list[tuple[str, Mapping[str, Any], Any]] = []
        self._project = ""
        self.pseudonyms = Pseudonyms()
        self.heard = 0
        self.left_out: dict[tuple[str, str], None] = {}

    def hear(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        answer: Any,
        *,
        secret_fields: frozenset[str] = frozenset(),
        project: str = "",
    ) -> None:
        """Take in one answer to a read.

        Args:
            operation: that was called.
            arguments: of query, path and body.
            answer: the JSON that came back.
            secret_fields: the fields of it that the operation's record calls secret.
            project: that the call was for.
        """
        self.heard += 1
        if _PROJECT_ID.fullmatch(project):
            self._project = project
        asked, answer = masked(dict(arguments), secret_fields), masked(answer, secret_fields)
        if operation not in kinds.READS:
            self._answers.append((operation, asked, answer))
            return
        for name, record in kinds.records_in(operation, answer):
            try:
                self._keep(TABLES[name], record)
            except DescopeError:
                self.left_out[name, record[TABLES[name].key]] = None

    def state(self) -> State:
        """The organisation that was heard of, with nobody in it who can be recognised.

        What it refers to without showing it is there by name only; what contradicts the rest is
        `left_out`.
        """
        for rows in self._rows.values():
            self.pseudonyms.learn(list(rows.records.values()))
        for _, arguments, answer in self._answers:
            self.pseudonyms.learn([arguments, answer])
        replaced = self.pseudonyms.replaced
        state = organisations.new_project("Recorded")
        heard: dict[str, list[Record]] = {
            name: [replaced(filled(record, state.secrets)) for record in rows.records.values()]
            for name, rows in self._rows.items()
        }
        heard[RECORDED.name] = [
            record_of(operation, replaced(arguments), replaced(answer))
            for operation, arguments, answer in self._answers
        ]
        if self._project:
            organisations.rename_project(state, self._project)
        while wrong := _misfit(state, heard):
            self.left_out |= dict.fromkeys(wrong)
            for name in {name for name, _ in wrong}:
                key = TABLES[name].key
                heard[name] = [one for one in heard[name] if (name, one[key]) not in wrong]
        state.change(PROJECTS, state.project, {"name": "Recorded"})
        return state

    def _keep(self, table: Table, record: Record) -> None:
        rows, key = self._of(table), record[table.key]
        # Fails for values of a wrong type, before anything is displaced.
        found = {fields: list(values_at(record, fields)) for fields in rows.indexes}
        for unique in table.unique:
            for values in found[unique.fields]:
                holders = rows.indexes[unique.fields].get(values, {}) if values[0] else {}
                for other in [holder for holder in holders if holder != key]:
                    self._forget(table, other)
        if key in rows.records:
            rows.unindex(key)
        rows.put(key, record, rows.serials.get(key) or rows.created + 1)
        self.left_out.pop((table.name, key), None)

    def _forget(self, table: Table, key: str) -> None:
        """Forget a record, and what another table has under the same key for it."""
        if key in self._of(table).records:
            self._of(table).take(key)
        for other, reference in referring(table):
            if reference.path == other.key and reference.by == table.key:
                self._forget(other, key)

    def _of(self, table: Table) -> Rows:
        return self._rows.setdefault(table.name, Rows(table))


def _misfit(state: State, heard: dict[str, list[Record]]) -> list[tuple[str, str]]:
    """Put what was heard into `state`, or, if it does not fit, say what is to be left out."""
    try:
        with state.transaction():
            _make_room(state, heard)
            state.merge(_completed(state, heard))
    except DescopeError as error:
        everything = [
            (name, record[TABLES[name].key])
            for name, records in heard.items()
            if name != RECORDED.name
            for record in records
        ]
        if not everything:
            raise
        at = error.at or ("", "")
        # Of what was not heard none can be left out: then no record is kept, only answers are.
        return [at] if at in everything else everything
    return []


def _make_room(state: State, heard: Mapping[str, Iterable[Record]]) -> None:
    """Take away what is built in, where the real thing was heard of: it has other ids."""
    for name, records in heard.items():
        table = TABLES[name]
        for unique in table.unique:
            taken = {tuple(str(record.get(f)) for f in unique.fields) for record in records}
            for present in state.all(table):
                if tuple(str(present.get(f)) for f in unique.fields) in taken:
                    state.delete(table, present[table.key])


def _completed(state: State, heard: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """`heard` with a record for everything that is named and was not heard of."""
    completed = {name: list(records) for name, records in heard.items()}
    pending = list(completed)
    while pending:
        name = pending.pop()
        for record in completed[name]:
            for reference in TABLES[name].references:
                if reference.unknown is None:
                    continue
                other = TABLES[reference.table]
                for holder, value in named(record, reference.path):
                    known = completed.setdefault(other.name, [])
                    if value and not _is_there(state, known, other, reference, holder, value):
                        known.append(_by_name_only(state, known, other, reference, value))
                        pending.append(other.name)
    return completed


def _is_there(
    state: State,
    heard: Iterable[Record],
    table: Table,
    reference: Reference,
    holder: Mapping[str, Any],
    value: Any,
) -> bool:
    scopes = {"", str(holder.get(reference.scope, "")) if reference.scope else ""}
    return any(
        record.get(reference.by) == value
        and (not table.scope or reference.by == table.key or record.get(table.scope, "") in scopes)
        for record in (*state.all(table), *heard)
    )


def _by_name_only(
    state: State, heard: Iterable[Record], table: Table, reference: Reference, value: str
) -> Record:
    record: Record = {reference.by: value}
    if "name" in table.template:
        taken = any(one.get("name") == value for one in (*state.all(table), *heard))
        record.setdefault("name", f"{value} (only named)" if taken else value)
    if "loginIds" in table.template:
        record["loginIds"] = [f"{value}@example.com"]
    if not record.get(table.key):
        record[table.key] = state.new_id(table.letter)
    return record
