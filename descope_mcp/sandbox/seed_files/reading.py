"""Beginning with the organisation of a seed file.

A seed has `records`, each with its id, as a sandbox keeps them and `export` writes them, and
`calls`, operations of the API that are run one after the other. Records that hold the project
itself are the whole organisation; others are put beside those of `begin`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.configuration import text_files
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record, given
from descope_mcp.sandbox.engine.registry import HANDLERS, Reply
from descope_mcp.sandbox.engine.state import SANDBOX, Caller, State
from descope_mcp.sandbox.engine.tables import TABLES, Table
from descope_mcp.sandbox.keys import management_keys
from descope_mcp.sandbox.seed_files.errors import SeedError
from descope_mcp.sandbox.seed_files.fresh_secrets import Fresh, filled
from descope_mcp.sandbox.seed_files.located import Located

#: Another one than that of the built-in organisations: their ids do not come again.
_IDS = "seed file"
_FAILED = 400


class Begin(Protocol):
    """Makes an organisation; the same `keys` give the same secrets, None new ones."""

    def __call__(self, *, keys: int | None = None) -> State:
        """The organisation."""
        ...


class Operations(Protocol):
    """The catalog, as far as a seed needs it."""

    def find(self, name: str) -> Operation | None:
        """The operation of a name, if there is one."""
        ...

    def nearest(self, name: str) -> Sequence[str]:
        """The names that a misspelt one may mean."""
        ...


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    operation: str
    id: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)


class _Seed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    seed: Literal[1]
    begin: str = ""
    records: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    calls: list[_Call] = Field(default_factory=list)


def read(path: Path, operations: Operations, organisations: Mapping[str, Begin]) -> Begin:
    """What makes the organisation of a file, as often as it is called.

    Args:
        path: of the file.
        operations: what its calls may name.
        organisations: what it may begin with.

    Raises:
        SeedError: the file cannot be read, or something in it is wrong; names file and line. What
            only shows when it is put together is raised by what is returned.
    """
    try:
        text = text_files.read(path)
    except OSError as error:
        raise SeedError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SeedError(f"{path}: cannot be read: {error}") from None
    file = Located(str(path), text)
    try:
        seed = _Seed.model_validate(file.content)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [str(file.error(e["loc"], f"{_dotted(e['loc'])}: {e['msg']}")) for e in wrong[:20]]
        raise SeedError("\n".join(lines)) from None
    problems = list(_problems(file, seed, operations, organisations))
    if problems:
        raise SeedError("\n".join(str(problem) for problem in problems[:20]))

    def begin(*, keys: int | None = None) -> State:
        return _made(file, seed, operations, organisations, keys)

    return begin


def _problems(
    file: Located, seed: _Seed, operations: Operations, organisations: Mapping[str, Begin]
) -> Iterator[SeedError]:
    """What is wrong with parts, whatever the others are."""
    whole = SANDBOX.name in seed.records
    if seed.begin and whole:
        yield file.error(["begin"], "the records are a whole project, which begins with nothing")
    if seed.begin and seed.begin not in organisations:
        yield file.error(["begin"], f"there is none; use one of {', '.join(organisations)}")
    for name, items in seed.records.items():
        if name not in TABLES:
            near = _near(name, TABLES)
            yield file.error(["records", name], f"there are no records called {name}{near}")
            continue
        keys: set[str] = set()
        for index, item in enumerate(items):
            yield from _problems_of(file, TABLES[name], item, index, keys)
    for index, call in enumerate(seed.calls):
        yield from _problems_of_call(file, call, ["calls", index], operations)


def _problems_of(
    file: Located, table: Table, item: Record, index: int, keys: set[str]
) -> Iterator[SeedError]:
    place = ["records", table.name, index]
    key = item.get(table.key)
    if key is None and not table.letter:
        yield file.error(place, f"{table.key}: is missing")
    elif isinstance(key, str) and key in keys:
        yield file.error([*place, table.key], f"{table.key}: another record has it, too")
    elif key is not None and not isinstance(key, str | Fresh):
        yield file.error([*place, table.key], f"{table.key}: a text is expected")
    if isinstance(key, str):
        keys.add(key)
    for name, value in item.items():
        if table.whole and name not in table.template:
            near = _near(name, table.template)
            yield file.error([*place, name], f"{name}: no field of {table.name}{near}")
        elif not isinstance(value, Fresh) and table.template.get(name) is not None:
            try:
                given(table.template, {name: value})
            except DescopeError:
                kind = type(table.template[name]).__name__
                words = {"str": "a text", "list": "a list", "dict": "a mapping", "int": "a number"}
                expected = words.get(kind, "true or false")
                yield file.error([*place, name], f"{name}: {expected} is expected")


def _problems_of_call(
    file: Located, call: _Call, place: list[Any], operations: Operations
) -> Iterator[SeedError]:
    operation = operations.find(call.operation)
    if operation is None or operation.name not in HANDLERS:
        near = ", ".join(operations.nearest(call.operation))
        hint = f"; the nearest: {near}" if near else ""
        yield file.error([*place, "operation"], f"there is no operation {call.operation}{hint}")
        return
    try:
        validation.check(operation, _plain(call.arguments))
    except InvalidArguments as error:
        for problem in error.problems:
            path = _path(problem.partition(":")[0])
            yield file.error([*place, "arguments", *path], f"{operation.name}: {problem}")


def _made(
    file: Located,
    seed: _Seed,
    operations: Operations,
    organisations: Mapping[str, Begin],
    keys: int | None,
) -> State:
    secrets = SystemRandom() if keys is None else Random(f"keys {keys}")
    records = {name: filled(items, secrets) for name, items in seed.records.items()}
    if SANDBOX.name in records:
        state = State(random=Random(_IDS), secrets=secrets)
        put = state.replace
    else:
        state = organisations[seed.begin or "empty"](keys=keys)
        state.random, state.secrets = Random(_IDS), secrets
        put = state.merge
    try:
        with state.transaction():
            put(_with_companions(state, records))
            # The key of the project is in two records.
            management_keys.hand_over(state, state.management_key)
    except DescopeError as error:
        raise file.error(_place(records, error), error.message) from None
    _run(file, seed.calls, state, operations, secrets)
    return state


def _with_companions(state: State, records: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """`records` with those that every record of another kind has one of, such as credentials."""
    added = dict(records)
    for table in TABLES.values():
        for reference in table.references:
            if not table.whole or reference.path != table.key:
                continue
            own = {str(item.get(table.key)) for item in records.get(table.name, ())}
            others = records.get(reference.table, ())
            keys = [item[reference.by] for item in others if item.get(reference.by)]
            missing = [k for k in keys if k not in own and not state.find(table, **{table.key: k})]
            new = [{table.key: key} for key in missing]
            added[table.name] = [*added.get(table.name, ()), *new]
    return added


def _run(
    file: Located,
    calls: Sequence[_Call],
    state: State,
    operations: Operations,
    secrets: Random,
) -> None:
    for index, call in enumerate(calls):
        place = ["calls", index]
        operation = operations.find(call.operation)
        assert operation is not None
        arguments = validation.check(operation, filled(call.arguments, secrets))
        state.pinned = call.id
        try:
            with state.calling(Caller(actor=state.management_key_id)):
                answer = HANDLERS[operation.name](state, arguments)
        except DescopeError as error:
            raise file.error(place, f"{operation.name}: {error.message}") from None
        if isinstance(answer, Reply) and answer.status >= _FAILED:
            raise file.error(place, f"{operation.name}: answers {answer.status}")
        if state.pinned:
            text = f"{operation.name} makes nothing whose id begins like {call.id}"
            raise file.error([*place, "id"], text)


def _place(records: Mapping[str, Sequence[Record]], error: DescopeError) -> list[Any]:
    """Where in the file the record is that is wrong."""
    if error.at is None or error.at[0] not in records:
        return ["records"]
    name, key = error.at
    keys = [item.get(TABLES[name].key) for item in records[name]]
    return ["records", name, keys.index(key)] if key in keys else ["records", name]


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _plain(value: Any) -> Any:
    """Arguments with a text in the place of every secret that is still to be drawn."""
    return filled(value, Random(0))


def _path(dotted: str) -> list[Any]:
    """``users[0].name`` as keys; what is none leads nowhere and does no harm."""
    parts = dotted.replace("[", ".").replace("]", "").split(".")
    return [int(part) if part.isdigit() else part for part in parts]


def _dotted(keys: Sequence[Any]) -> str:
    return ".".join(map(str, keys))
