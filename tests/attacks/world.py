"""A Descope in which every identifier exists, so that every preview finds its target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from starlette.responses import JSONResponse, Response

from descope_mcp.catalog.arguments.meanings import Marks
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import replaced_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy.decision import Policy, decide
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.preview.standing import READS
from tests.recorder import PROJECT, Recorded, load_contract, sample

#: The one text of this world: every id, name and reference.
TEXT = PROJECT
SECRET = "hunter2"


class World:
    """Answers every operation with the shape of its contract, and knows which one was called."""

    def __init__(self, catalog: Catalog) -> None:
        spec = load_contract()
        self._routes: list[tuple[str, re.Pattern[str], str]] = []
        self._answers: dict[str, Any] = {}
        self._secrets = {name: operation.secrets for name, operation in catalog.items()}
        for operation in sorted(catalog.values(), key=lambda o: "{" in o.path):
            parts = re.split(r"\{[^}]*\}", operation.path)
            path = re.compile("[^/]+".join(map(re.escape, parts)))
            self._routes.append((operation.method, path, operation.name))
            endpoint = spec.endpoints[f"{operation.method} {operation.path}"]
            self._answers[operation.name] = spec.answer(endpoint)

    def name(self, request: Recorded) -> str:
        """The operation that a request is of."""
        path = request.path.partition("?")[0]
        return next(
            name
            for method, p, name in self._routes
            if method == request.method and p.fullmatch(path)
        )

    def answer(
        self, request: Recorded, *, without: tuple[str, ...] = (), touched: bool = False
    ) -> Response:
        """What the contract documents: every secret being `SECRET`, every other text `TEXT`.

        Fields that are called as one of `without` are left out; a touched object has one more.
        """
        name = self.name(request)
        answer = sample(self._answers[name], text=TEXT)
        for path in self._secrets[name]:
            answer = replaced_at(answer, path, lambda value: SECRET if value == TEXT else value)
        more = {"touched": True} if touched else {}
        return JSONResponse(_changed(answer, frozenset(without), more))


def calls(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls of an operation: everything given, everything turned on, only what is needed."""
    sampled = sample(operation.input_schema, text=TEXT)
    # A document with nothing in it is as good as none.
    everything = {n: {TEXT: TEXT} if value == {} else value for n, value in sampled.items()}
    yield "everything", everything
    yield "turned on", _turned_on(everything)
    needed = {*operation.input_schema.get("required", ()), *(g[0] for g in operation.one_of)}
    yield "needed", {name: value for name, value in everything.items() if name in needed}


def asked_about(catalog: Catalog) -> Iterator[tuple[str, Operation, dict[str, Any]]]:
    """Every sample call that a person has to decide on."""
    for operation in catalog.values():
        if operation.update != "replace" and any(rule.compares for rule in operation.when):
            # What becomes different decides, and in this world nothing does; see the tests of
            # the difference.
            continue
        for kind, arguments in calls(operation):
            if operation.update == "replace":
                arguments = {**arguments, "replace": True}
            risk = assess(operation, arguments, frozenset())
            if decide(operation, arguments, STDIO, PROJECT, risk, Policy()).action == "confirm":
                yield kind, operation, arguments


def bare(operation: Operation, arguments: dict[str, Any]) -> tuple[str, ...]:
    """The fields that must be empty in what the preview finds, since the call leaves them out."""
    fields = {field for step in operation.preview for field in step.bare}
    return tuple(fields - arguments.keys())


def _turned_on(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned_on(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_turned_on(item) for item in value]
    return True if value is False else value


def _changed(value: Any, without: frozenset[str], more: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        kept = {k: _changed(v, without, more) for k, v in value.items() if k not in without}
        return {**kept, **more}
    if isinstance(value, list):
        return [_changed(item, without, more) for item in value]
    return value


def previewing(operation: Operation) -> set[str]:
    """What may be read ahead: the recipes, what roles bring, and what marks those who are hit."""
    roles = operation.marks.get("roles", Marks())
    tenants = operation.marks.get("tenants", Marks())
    moved = roles.acts or roles.takes or tenants.acts or tenants.takes or operation.defines
    rights = {"SearchRoles"} if moved else set()
    # What members get by default.
    rights |= {"SearchTenants"} if tenants.acts else set()
    # Which roles the user has whose rights are lent.
    rights |= {"LoadUsers", "SearchRoles"} if roles.lends else set()
    # What the project is called, once in a process.
    rights |= {"ListProject"}
    return rights | READS | {step.operation for step in (*operation.preview, *operation.impact)}
