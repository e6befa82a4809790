"""Checks every answer of the sandbox against the contract.

The service emits every field (`protojson` with defaults), so beside the type of each value it is
checked that no scalar or list is missing. Messages may be: those that are not set are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import httpx

from descope_mcp.catalog.build.openapi import Contract, Endpoint

#: Where answers differ from the contract on purpose, and why: a pattern of the operation's name or
#: of the path of a field, which begins with that name.
DEVIATIONS: dict[str, str] = {
    "SearchUsers.users": "selectedColumns leaves only the fields that are asked for",
    "CreateUsers.failedUsers": "a user that was not created has no tenants",
    "PatchUserBatch.failedUsers": "a user that was not changed has no tenants",
    "*TokenEndpoint*.refresh_token": "which not every grant gives",
    "*TokenEndpoint*.id_token": "which not every grant gives",
    "*TokenEndpoint*.error": "which clients take for a failure, whatever it says",
    "*TokenEndpoint*.description": "which only errors have",
    "*TokenEndpoint*.issued_token_type": "which only a token exchange has",
    "*UserInfoEndpoint*": "OpenID wants the claims themselves",
    "*IDPMetadata": "partners want the XML itself",
    "SearchSCIMGroups.Resources.members": "excludedAttributes may leave them out",
    "*SCIM*.detail": "which only errors have",
    "*SCIM*.status": "which only errors have",
    "*SCIM*.meta.created": "a time, which the contract calls an object",
    "*SCIM*.meta.lastModified": "a time, which the contract calls an object",
}

#: Fields that hold whatever JSON somebody put there.
FREE = {"defaultValue", "data", "customAttributes", "customClaims"}

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}
_ERROR = {"errorCode", "errorDescription", "errorMessage", "message"}
#: The forms of errors that standards prescribe, by the paths that follow them.
_STANDARD_ERRORS = {
    "/oauth2/": {"error", "error_description"},  # RFC 6749, section 5.2
    "/scim/": {"schemas", "status", "detail"},  # RFC 7644, section 3.12
}
#: Statuses other than 200 that standards prescribe: created and without content.
_STANDARD_STATUSES = {"/scim/": {201, 204}}
_CODE = re.compile(r"E\d{6}")

T = TypeVar("T")
Hook = Callable[[httpx.Response], Awaitable[None]]


def checked(spec: Contract) -> Hook:
    """A response hook for a client of the sandbox, which fails for an answer that is wrong."""
    routes = [(e, _pattern(e.path)) for e in spec.endpoints.values()]
    routes.sort(key=lambda route: "{" in route[0].path)

    async def check(response: httpx.Response) -> None:
        path = response.request.url.path
        for endpoint, pattern in routes:
            if endpoint.method == response.request.method and pattern.fullmatch(path):
                await response.aread()
                found = list(problems(endpoint, spec, response))
                assert not found, f"{endpoint.name}: {'; '.join(found)}"
                return

    return check


def problems(endpoint: Endpoint, spec: Contract, response: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer of `endpoint`."""
    if response.status_code >= httpx.codes.BAD_REQUEST:
        yield from _problems_of_error(endpoint, response)
        return
    if response.status_code != httpx.codes.OK:
        redirected = endpoint.redirects and response.is_redirect
        if not redirected and response.status_code not in _standard(_STANDARD_STATUSES, endpoint):
            yield f"status {response.status_code}"
        if not response.content:
            return
    if _deviates(endpoint.name):
        return
    try:
        answer = response.json()
    except ValueError:
        yield f"no JSON: {response.text[:80]}"
        return
    documented = spec.answer(endpoint)
    if endpoint.wire.unwrapped:
        documented = documented["properties"][endpoint.wire.unwrapped]
    yield from differences(answer, documented, endpoint.name)


def differences(value: Any, documented: Mapping[str, Any], path: str) -> Iterator[str]:
    """Where `value` is not what is `documented`; `path` is where it is."""
    if _deviates(path) or path.rpartition(".")[2] in FREE or not documented:
        return
    fields = documented.get("properties")
    if isinstance(value, dict) and fields is None:
        extra = documented.get("additionalProperties", {})
        for name, item in value.items():
            yield from differences(item, extra, f"{path}.{name}")
    elif isinstance(value, dict) and fields and documented.get("type", "object") == "object":
        for name, field in fields.items():
            if name in value:
                yield from differences(value[name], field, f"{path}.{name}")
            elif field.get("type") not in (None, "object") and not _deviates(f"{path}.{name}"):
                yield f"{path}.{name} is missing"
        yield from (f"{path}.{name} is invented" for name in value.keys() - fields.keys())
    elif isinstance(value, list) and documented.get("type") == "array":
        for item in value:
            yield from differences(item, documented.get("items", {}), path)
    elif value is not None and not _fits(value, documented):
        yield f"{path} is {json.dumps(value)[:60]}, documented as {documented.get('type')}"


def _fits(value: Any, documented: Mapping[str, Any]) -> bool:
    expected = _TYPES.get(documented.get("type", ""))
    if "enum" in documented and value not in documented["enum"]:
        return False
    if isinstance(value, bool):
        return expected in (bool, None)
    return expected is None or isinstance(value, expected)


def _deviates(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in DEVIATIONS)


def _standard(rules: Mapping[str, set[T]], endpoint: Endpoint) -> set[T]:
    return next((rule for part, rule in rules.items() if part in endpoint.path), set())


def _problems_of_error(endpoint: Endpoint, response: httpx.Response) -> Iterator[str]:
    """An error has Descope's four fields and a code; from Cloudflare it is a page."""
    if response.headers["content-type"].startswith("text/html"):
        return
    body = response.json()
    if body.keys() - {"scimType"} == _standard(_STANDARD_ERRORS, endpoint):
        return
    if body.keys() != _ERROR or not all(isinstance(text, str) for text in body.values()):
        yield f"an error without the four fields: {body}"
    elif not _CODE.fullmatch(body["errorCode"]):
        yield f"the error code {body['errorCode']!r}"
    elif response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        yield f"the sandbox broke: {body}"


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))
