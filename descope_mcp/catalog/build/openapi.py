"""The OpenAPI contract with its repairs applied: what can be sent, and in what form.

Used when the catalog is compiled, never while serving. ``tool_specs/repairs.yaml`` is a list of
named entries, each with a reason; an entry that no longer fits the contract is an error, so that
a repair cannot outlive its defect.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.catalog.errors import RepairError, SpecError
from descope_mcp.catalog.schemas import input_schema

#: The properties of an operation's input, and where each goes.
_Arguments = tuple[dict[str, Any], dict[str, tuple[str, str]]]

METHODS = ("get", "post", "put", "patch", "delete")

#: The contract's security schemes, named after the credential that a call presents.
SCHEMES = {
    "Descope Project ID": "project",
    "Descope Project ID:Refresh JWT": "refresh_jwt",
    "Descope Project ID:Session JWT": "session_jwt",
    "Descope Project ID:Access Key": "access_key",
    "Descope Project ID and Management Key": "management_key",
}

_OPERATION_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PATH = re.compile(r"(?:/(?:[\w.:~-]+|\{\w+\}))+", re.ASCII)

#: What an entry of repairs.yaml may hold.
_REPAIRS = {"name", "reason", "remove", "rename", "redirect", "drop", "set", "wire", "curated"}
_REPAIRS |= {"by_records", "unrolled"}


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the wire differs from the contract: a bare array as body, an unwrapped answer.

    ``redirects`` says that a redirect is an answer, which the contract may declare as well.
    """

    array_body: str = ""
    unwrapped: str = ""
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the repaired contract."""

    key: str
    name: str
    operation_id: str
    method: str
    path: str
    schemes: tuple[str, ...]
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any]
    answer: dict[str, Any]
    wire: Wire
    redirects: bool
    old_names: tuple[str, ...] = ()


@dataclass(slots=True)
class Contract:
    """The repaired document and its endpoints by ``METHOD /path``."""

    schemas: dict[str, Any]
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    _arguments: dict[str, _Arguments] = field(default_factory=dict)
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def arguments(self, endpoint: Endpoint) -> _Arguments:
        """As `input_schema.arguments`, worked out once."""
        if endpoint.key not in self._arguments:
            self._arguments[endpoint.key] = input_schema.arguments(endpoint, self.schemas)
        properties, places = self._arguments[endpoint.key]
        return dict(properties), dict(places)

    def answer(self, endpoint: Endpoint) -> dict[str, Any]:
        """As `input_schema.answer`, worked out once; it is to be read, and not written to."""
        if endpoint.key not in self._answers:
            self._answers[endpoint.key] = input_schema.answer(endpoint, self.schemas)
        return self._answers[endpoint.key]


def load(
    document: Mapping[str, Any], repairs: list[dict[str, Any]], unfit: list[str] | None = None
) -> Contract:
    """Apply `repairs` to `document` and list its endpoints.

    Args:
        document: as it is published; it is left as it is.
        repairs: the entries of ``repairs.yaml``.
        unfit: takes the messages on repairs that do not fit, which are then passed over.

    Raises:
        RepairError: a repair does not fit, and `unfit` is not given.
        SpecError: the contract still holds a defect.
    """
    doc: dict[str, Any] = copy.deepcopy(dict(document))
    names: dict[str, str] = {}
    wires: dict[str, Wire] = {}
    for index, repair in enumerate(repairs):
        try:
            _apply(doc, repair, names, wires)
        except SpecError as error:
            if unfit is None:
                raise RepairError(index, str(error)) from None
            unfit.append(str(error))
    contract = Contract(schemas=doc["components"]["schemas"])
    taken: dict[str, str] = {}
    for key, operation in _operations(doc):
        endpoint = _endpoint(doc, key, operation, names.get(key), wires.get(key, Wire()))
        if endpoint.name in taken:
            raise SpecError(f"{key} and {taken[endpoint.name]} share the name {endpoint.name}")
        taken[endpoint.name] = key
        contract.endpoints[key] = endpoint
    _check_references(doc)
    return contract


def _operations(doc: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _apply(
    doc: dict[str, Any], repair: dict[str, Any], names: dict[str, str], wires: dict[str, Wire]
) -> None:
    name = _checked(repair)
    operations = dict(_operations(doc))
    for key in repair.get("remove", []):
        method, path = _known(operations, key, name)
        del doc["paths"][path][method]
    for key, new in repair.get("rename", {}).items():
        _known(operations, key, name)
        names[key] = new
    for key, wire in repair.get("wire", {}).items():
        _known(operations, key, name)
        wires[key] = Wire(**wire)
    for old, new in repair.get("redirect", {}).items():
        if _redirect(doc, f"#/components/schemas/{old}", f"#/components/schemas/{new}") == 0:
            raise SpecError(f"repair {name}: nothing refers to {old}")
    for pointer in repair.get("drop", []):
        parent, last = _walk(doc, pointer, name)
        if last not in parent:
            raise SpecError(f"repair {name}: there is no {pointer}")
        del parent[last]
    for pointer, value in repair.get("set", {}).items():
        parent, last = _walk(doc, pointer, name)
        if parent.get(last) == value:
            raise SpecError(f"repair {name}: {pointer} is right already")
        parent[last] = value


def _checked(repair: dict[str, Any]) -> str:
    """The name of a repair that has a reason and nothing unknown in it."""
    name = str(repair.get("name", ""))
    if not name or not repair.get("reason"):
        raise SpecError(f"a repair needs a name and a reason: {repair}")
    wires = {key for wire in repair.get("wire", {}).values() for key in wire}
    if unknown := (set(repair) - _REPAIRS) | (wires - set(Wire.__slots__)):
        raise SpecError(f"repair {name}: {', '.join(sorted(unknown))} is no kind of repair")
    return name


def _known(operations: Mapping[str, Any], key: str, name: str) -> tuple[str, str]:
    if key not in operations:
        raise SpecError(f"repair {name}: the contract has no {key}")
    method, path = key.split(" ", 1)
    return method.lower(), path


def _walk(doc: dict[str, Any], pointer: str, name: str) -> tuple[dict[str, Any], str]:
    """The parent of a place in the document; `pointer` is its keys joined by " > "."""
    *keys, last = pointer.split(" > ")
    here: Any = doc
    for key in keys:
        if not isinstance(here, dict) or key not in here:
            raise SpecError(f"repair {name}: there is no {pointer}")
        here = here[key]
    if not isinstance(here, dict):
        raise SpecError(f"repair {name}: there is no {pointer}")
    return here, last


def _redirect(node: Any, old: str, new: str) -> int:
    if isinstance(node, list):
        return sum(_redirect(item, old, new) for item in node)
    if not isinstance(node, dict):
        return 0
    changed = 0
    if node.get("$ref") == old:
        node["$ref"] = new
        changed = 1
    return changed + sum(_redirect(item, old, new) for item in node.values())


def _check_references(doc: Mapping[str, Any]) -> None:
    schemas = doc["components"]["schemas"]
    stack: list[Any] = [doc]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str) and ref.removeprefix("#/components/schemas/") not in schemas:
                raise SpecError(f"the reference {ref} dangles; add a repair")
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _endpoint(
    doc: Mapping[str, Any], key: str, operation: dict[str, Any], name: str | None, wire: Wire
) -> Endpoint:
    method, path = key.split(" ", 1)
    operation_id = operation.get("operationId")
    if not operation_id:
        raise SpecError(f"{key} has no operationId; add a repair")
    # Both are written into records, and shown.
    if not _OPERATION_ID.fullmatch(operation_id):
        raise SpecError(f"{key!a}: the operationId {operation_id[:80]!a} is not a name")
    if not _PATH.fullmatch(path):
        raise SpecError(f"{path[:200]!a} is not a path")
    # An operation without a security list of its own inherits every scheme of the document,
    # which says nothing: only one that states its scheme is believed.
    schemes = tuple(s for entry in operation.get("security", []) for s in entry)
    if unknown := set(schemes) - set(SCHEMES):
        raise SpecError(f"{key}: the scheme {', '.join(sorted(unknown))} is not handled")
    content = operation.get("requestBody", {}).get("content", {})
    responses = operation.get("responses", {})
    answers = responses.get("200", {}).get("content", {})
    return Endpoint(
        key=key,
        name=name or operation_id,
        operation_id=operation_id,
        method=method,
        path=path,
        schemes=tuple(SCHEMES[s] for s in schemes),
        parameters=tuple(operation.get("parameters", [])),
        body=content.get("application/json", {}).get("schema", {}),
        answer=answers.get("application/json", {}).get("schema", {}),
        wire=wire,
        redirects=wire.redirects or any(str(status).startswith("3") for status in responses),
        old_names=(operation_id,) if name and name != operation_id else (),
    )
