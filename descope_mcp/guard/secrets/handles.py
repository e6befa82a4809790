"""Secrets on their way: from an answer into the store, from the store into a request.

A handle is taken only where the record accepts its kind (``tool_specs/handles.yaml``). Values are
put in right before a request leaves; questions, bindings, the journal and messages hold handles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import anyio
import anyio.to_thread

from descope_mcp.catalog.arguments.validation import HANDLE, leaves
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import replaced_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.secrets.redaction import seal
from descope_mcp.store.errors import StoreError
from descope_mcp.store.secrets.handle import Opened, Owner, Secret, handle
from descope_mcp.store.store import Store

#: What no name of a field that a person is shown needs.
_NO_NAME = re.compile(r"[^\w.\[\]-]", re.ASCII)
_LONGEST_NAME = 60


def named(arguments: Mapping[str, Any]) -> set[str]:
    """The handles in checked arguments."""
    return {text for _, text in leaves(arguments) if HANDLE.fullmatch(text)}


async def open_handles(
    operation: Operation,
    arguments: Mapping[str, Any],
    handles: set[str],
    store: Store,
    owner: Owner,
) -> dict[str, Opened]:
    """What the handles in checked arguments stand for. Without any, the store is not touched.

    Raises:
        InvalidArguments: a handle opens nothing for this owner, or does not fit its argument.
        StoreError: the store cannot be read.
    """
    if not handles:
        return {}

    def look() -> dict[str, Opened]:
        from descope_mcp.store.secrets import sealed

        return sealed.opened(store, owner, handles)

    known = await anyio.to_thread.run_sync(look)
    resolve(operation, arguments, known)
    return known


def resolve(
    operation: Operation, arguments: Mapping[str, Any], known: Mapping[str, Opened]
) -> dict[str, Any]:
    """The arguments with their handles replaced by the values, for the request alone.

    Raises:
        InvalidArguments: a handle opens nothing, or is not of a kind that its argument takes.
    """
    resolved: Any = dict(arguments)
    problems: list[str] = []

    def value_of(path: str, kinds: Mapping[str, str]) -> Callable[[Any], Any]:
        def change(given: Any) -> Any:
            if not (isinstance(given, str) and HANDLE.fullmatch(given)):
                return given
            secret = known.get(given)
            if secret is None:
                problems.append(f"{path}: {_UNKNOWN}")
                return given
            if secret.kind not in kinds:
                wanted = " or ".join(kinds).replace("_", " ")
                problems.append(f"{path}: takes the handle of a {wanted}, and this is another's")
                return given
            value = _used(secret, kinds[secret.kind])
            if not value:
                problems.append(f"{path}: the link that is kept holds no token")
            return value

        return change

    for path, kinds in operation.accepts.items():
        resolved = replaced_at(resolved, path, value_of(path, kinds))
    if problems:
        raise InvalidArguments(operation.name, problems)
    return dict(resolved)


def spellings(operation: Operation, known: Mapping[str, Opened]) -> dict[str, str]:
    """Every way in which an answer may repeat a value, with its handle; the longest come first."""
    queries = {query for kinds in operation.accepts.values() for query in kinds.values()}
    found: dict[str, str] = {}
    for name, secret in known.items():
        for value in filter(None, (_used(secret, query) for query in sorted(queries | {""}))):
            for text in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]):
                found.setdefault(text, name)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def concealed(data: Any, spelled: Mapping[str, str]) -> Any:
    """A copy of an answer in which the values that the call carried are handles again."""
    if not spelled:
        return data
    if isinstance(data, str):
        for value, name in spelled.items():
            data = data.replace(value, name)
        return data
    if isinstance(data, Mapping):
        return {concealed(k, spelled): concealed(v, spelled) for k, v in data.items()}
    if isinstance(data, list):
        return [concealed(item, spelled) for item in data]
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        return spelled.get(str(data), data)
    return data


async def put_away(
    operation: Operation, data: Any, store: Store, owner: Owner, *, large: bool = False
) -> tuple[dict[str, Any], str]:
    """An answer with its secrets kept and replaced by handles.

    The secrets of a large answer are looked for in a thread, so that other calls go on.

    Once Descope has answered this runs to its end, even if the caller hangs up. An answer without
    secrets does not touch the store.

    Returns:
        ``(answer, problem)``: the problem is a sentence for the caller, "" if all were kept.
    """
    found: dict[str, Secret] = {}

    def keep(field: str, kind: str, value: str) -> str:
        # The names of fields come from outside too.
        where = _NO_NAME.sub("?", field)[:_LONGEST_NAME]
        # What no argument takes has a handle for each place: were it the same in what the caller
        # can write and read back, a list of guesses would tell which of them is right.
        name = handle(store.key, owner, kind or f"{operation.name}.{where}", value)
        found[name] = Secret(operation.name, where, kind, value, operation.once)
        return name

    def write() -> None:
        from descope_mcp.store.secrets import sealed

        sealed.keep(store, owner, found)

    try:
        find = partial(seal, operation, data, keep)
        shown = await anyio.to_thread.run_sync(find) if large else find()
        if found:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(write)
    except StoreError as error:
        lost = _LOST if operation.once else _NOT_KEPT
        return seal(operation, data), f"{lost} ({error})."
    return shown, ""


async def ready(store: Store) -> None:
    """Make sure, before a call whose secret is shown only once, that it can be kept.

    Raises:
        StoreError: it cannot, and the call must not be sent.
    """

    def try_it() -> None:
        from descope_mcp.store.secrets import sealed

        sealed.ready(store)

    await anyio.to_thread.run_sync(try_it)


def _used(secret: Opened, query: str) -> str:
    """What is passed on of a secret: all, or one parameter of the link ("" if it has none)."""
    if not query:
        return secret.value
    try:
        return parse_qs(urlsplit(secret.value).query).get(query, [""])[0]
    except ValueError:
        return ""


_UNKNOWN = (
    "this handle opens nothing; it has expired, was revealed to a person, or belongs to another "
    "project or caller"
)
_NOT_KEPT = "The secrets in this answer could not be kept, so they have no handle"
_LOST = (
    "The call is done, and the secret that it shows only once could not be kept and is lost; "
    "delete or replace what was made"
)
