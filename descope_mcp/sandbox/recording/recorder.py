"""What is recorded of the real service's answers, and the organisation that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.recorded_answers import RECORDED, record_of
from descope_mcp.sandbox.engine.state import PROJECTS, State
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, named
from descope_mcp.sandbox.http.masking import masked
from descope_mcp.sandbox.recording import kinds
from descope_mcp.sandbox.recording.pseudonyms import Pseudonyms
from descope_mcp.sandbox.seed_files.fresh_secrets import filled
from descope_mcp.sandbox.seeds import organisations

_PROJECT_ID = re.compile(r"P[0-9A-Za-z]{20,63}")


class Recorder:
    """Answers that were heard; secrets are left out at once, people when it becomes a seed."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], Record] = {}
        self._answers: list[tuple[str, Mapping[str, Any], Any]] = []
        self._project = ""
        self.pseudonyms = Pseudonyms()
        #: How many answers were recorded.
        self.heard = 0

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
            self._records[name, record[TABLES[name].key]] = record

    def state(self) -> State:
        """The organisation that was heard of, with nobody in it who can be recognised.

        What it refers to without showing it is there by name only.
        """
        for record in self._records.values():
            self.pseudonyms.learn(record)
        for _, arguments, answer in self._answers:
            self.pseudonyms.learn([arguments, answer])
        replaced = self.pseudonyms.replaced
        state = organisations.new_project("Recorded")
        heard: dict[str, list[Record]] = {}
        for (name, _), record in self._records.items():
            heard.setdefault(name, []).append(replaced(filled(record, state.secrets)))
        heard[RECORDED.name] = [
            record_of(operation, replaced(arguments), replaced(answer))
            for operation, arguments, answer in self._answers
        ]
        if self._project:
            organisations.rename_project(state, self._project)
        with state.transaction():
            _make_room(state, heard)
            state.merge(_completed(state, heard))
        state.change(PROJECTS, state.project, {"name": "Recorded"})
        return state


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
                        known.append(_by_name_only(state, other, reference, value))
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


def _by_name_only(state: State, table: Table, reference: Reference, value: str) -> Record:
    record: Record = {reference.by: value}
    if "name" in table.template:
        record.setdefault("name", value)
    if "loginIds" in table.template:
        record["loginIds"] = [f"{value}@example.com"]
    if not record.get(table.key):
        record[table.key] = state.new_id(table.letter)
    return record
