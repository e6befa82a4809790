"""The requests of a suite sent to a sandbox, and what became of each.

Credentials are exchanged for ones of the sandbox, since those of the tests are invented: the
project for its project, what stands behind it for a credential of the kind that the operation
takes. Where a test sends none, none is added. Each test finds the sandbox as at the beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from benchmarks.sdk_suites.suites import Sent
from descope_mcp.catalog.arguments.validation import fit
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.pytest_plugin import DescopeSandbox
from descope_mcp.sandbox.engine import errors

#: What became of a request. ``data``: its form is right, but it names what the sandbox does not
#: have, or has already.
Fate = Literal["answered", "data", "arguments", "credential", "route", "broken"]

_FORM = {errors.MALFORMED.code, errors.VALIDATION.code, errors.INVALID.code}
#: Who is signed in where a test names nobody.
_USER = "ada.okafor@acme.example"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A request and its fate.

    Attributes:
        sent: the request.
        operation: the name of what it calls; nothing if the contract has no such route.
        fate: see `Fate`.
        said: the sandbox's message, if it refused.
        undeclared: what the request has beside what the contract declares, in words.
    """

    sent: Sent
    operation: str
    fate: Fate
    said: str
    undeclared: tuple[str, ...]


def deliver(requests: Iterable[Sent], box: DescopeSandbox, catalog: Catalog) -> Iterator[Delivered]:
    """Send all of them; one that a test repeats as it was is sent once."""
    routes = _Routes(catalog)
    with httpx.Client(base_url=box.url) as client:
        for _, own in groupby(requests, key=lambda sent: sent.test):
            box.reset()
            credentials = _Credentials(client, box)
            for sent in dict.fromkeys(own):
                yield _delivered(sent, client, routes, credentials, box)


def _delivered(
    sent: Sent,
    client: httpx.Client,
    routes: _Routes,
    credentials: _Credentials,
    box: DescopeSandbox,
) -> Delivered:
    bearer = sent.authorization.removeprefix("Bearer ").split(":")
    target = _own(sent.target, bearer[0], box.project_id)
    operation, path = routes.found(sent.method, target)
    headers = {"content-type": "application/json"}
    if sent.authorization:
        kinds = [credentials.of(operation, sent), box.management_key]
        parts = [box.project_id, *(kinds[i] for i in range(len(bearer[1:3])))]
        headers["authorization"] = f"Bearer {':'.join(parts)}"
    answer = client.request(sent.method, target, headers=headers, content=sent.body)
    fate, said = _fate(answer)
    undeclared = _undeclared(operation, path, target, sent.body) if operation else ()
    return Delivered(sent, operation.name if operation else "", fate, said, undeclared)


def _own(target: str, project: str, own: str) -> str:
    """The target with the project of the tests, where it stands in the path, made the sandbox's."""
    path, mark, query = target.partition("?")
    segments = (own if project and part == project else part for part in path.split("/"))
    return "/".join(segments) + mark + query


def _fate(answer: httpx.Response) -> tuple[Fate, str]:
    if answer.is_success or answer.is_redirect:
        return "answered", ""
    if answer.status_code >= 500:
        return "broken", f"HTTP {answer.status_code}"
    body = answer.json()
    code, said = body.get("errorCode", ""), str(body.get("message", body))
    if said.startswith("No ") and code in (errors.NO_ROUTE.code, errors.NO_METHOD.code):
        return "route", said
    if code in _FORM:
        return "arguments", said
    if code in (errors.UNAUTHORIZED.code, errors.FORBIDDEN.code):
        return "credential", said
    return "data", said


class _Routes:
    """Finds the operation that a request calls."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._fixed: dict[tuple[str, str], str] = {}
        self._others: list[tuple[str, re.Pattern[str], str]] = []
        for route in catalog.routes():
            if "{" in route.path:
                pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route.path))
                self._others.append((route.method, re.compile(pattern), route.name))
            else:
                self._fixed[route.method, route.path] = route.name

    def found(self, method: str, target: str) -> tuple[Operation | None, dict[str, str]]:
        """The operation, and the arguments in its path."""
        path = target.partition("?")[0]
        if name := self._fixed.get((method, path)):
            return self._catalog[name], {}
        for known, pattern, name in self._others:
            if known == method and (match := pattern.fullmatch(path)):
                return self._catalog[name], {k: unquote(v) for k, v in match.groupdict().items()}
        return None, {}


class _Credentials:
    """Credentials of the sandbox by the kind that an operation takes, made when first needed."""

    def __init__(self, client: httpx.Client, box: DescopeSandbox) -> None:
        self._client, self._box = client, box

    def of(self, operation: Operation | None, sent: Sent) -> str:
        """The credential behind the project; of a user it is of the one whom the request names."""
        for scheme in operation.schemes if operation else ():
            match scheme:
                case "refresh_jwt" | "session_jwt":
                    return self._token(
                        "refreshJwt" if scheme == "refresh_jwt" else "sessionJwt", sent
                    )
                case "access_key":
                    return self._called("/v1/mgmt/accesskey/create", name="suite")["cleartext"]
                case "management_key":
                    return self._box.management_key
        # What takes anybody takes the session that a step-up strengthens; elsewhere it is the key.
        return self._token("refreshJwt") if operation else self._box.management_key

    def _token(self, kind: str, sent: Sent | None = None) -> str:
        body: Any = json.loads(sent.body) if sent and sent.body else {}
        named = body.get("loginId") if isinstance(body, dict) else None
        return self._called("/v1/mgmt/auth/signup-in", loginId=str(named or _USER))[kind]

    def _called(self, path: str, **body: str) -> dict[str, str]:
        bearer = f"Bearer {self._box.project_id}:{self._box.management_key}"
        answer = self._client.post(path, json=body, headers={"authorization": bearer})
        answer.raise_for_status()
        result: dict[str, str] = answer.json()
        return result


def _undeclared(
    operation: Operation, path: dict[str, str], target: str, body: str
) -> tuple[str, ...]:
    """What of a request the contract does not declare, or declares with another type."""
    names = {(place.where, place.name): name for name, place in operation.places.items()}
    content: Any = json.loads(body) if body else {}
    if isinstance(content, list):
        content = {operation.array_body or "body": content}
    query = {
        name: values if len(values) > 1 else values[0]
        for name, values in parse_qs(urlsplit(target).query, keep_blank_values=True).items()
    }
    flat = {
        names.get((where, name), name): value
        for where, given in (("path", path), ("query", query), ("body", content))
        for name, value in given.items()
        if value is not None
    }
    required = {*operation.input_schema.get("required", ())}
    _, problems = fit(
        operation.input_schema, operation.validator, flat, frozenset(operation.nullable)
    )
    return tuple(p for p in problems if p.partition(":")[0] not in required - flat.keys())
