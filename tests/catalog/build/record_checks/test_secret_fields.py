"""Whether the records know every secret of the contract, and where each may go."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.catalog.build.compile import compile_catalog
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import SpecError
from descope_mcp.guard.secrets.redaction import seal
from tests.recorder import SPECS, load_contract

#: What sounds like a secret, in the last name of a path.
SOUNDS = re.compile(
    r"secret|cleartext|passw|jwt$|token$|pendingref|(?:^|_)code$|codes$|private|api_?key$|seed$"
    r"|assertion$|samlresponse|wresult|verifier|image$|otp$|signkey|encryptionkey|answer$|link$",
    re.IGNORECASE,
)
#: Looked at: what a user types or opens, what a browser shows, what says something about a token.
HARMLESS = {
    "user_code",
    "issues[].code",
    "image",
    "parsedJWT",
}


def texts(wanted: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of the texts, and of what can be anything, in a JSON Schema."""
    for choice in wanted.get("anyOf", [wanted]):
        if choice.get("properties"):
            for name, inner in choice["properties"].items():
                yield from texts(inner, f"{path}.{name}" if path else name)
        elif choice.get("type") == "array":
            yield from texts(choice["items"], f"{path}[]")
        elif choice.get("type") not in ("boolean", "integer", "number"):
            yield path


def undeclared(wanted: Mapping[str, Any], declared: tuple[str, ...]) -> set[str]:
    found = {p for p in texts(wanted) if SOUNDS.search(p.rpartition(".")[2].removesuffix("[]"))}
    return {p for p in found if not p.startswith(declared or "-")} - HARMLESS


def test_every_field_that_sounds_like_a_secret_is_declared(catalog: Catalog) -> None:
    spec = load_contract()
    missing = {}
    for operation in catalog.values():
        endpoint = spec.endpoints[f"{operation.method} {operation.path}"]
        answer = undeclared(spec.answer(endpoint), operation.secrets)
        given = (*operation.secret_arguments, "credential")
        missing[operation.name] = answer | undeclared(operation.input_schema, given)
    assert {name: paths for name, paths in missing.items() if paths} == {}


def test_a_text_that_is_called_like_a_secret_has_to_be_listed(tmp_path: Path) -> None:
    specs = tmp_path / "tool_specs"
    shutil.copytree(SPECS, specs)
    path = specs / "operations" / "factors.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("[oldPassword, newPassword]", "[oldPassword]"), encoding="utf-8")
    with pytest.raises(
        SpecError, match=r"factors\.yaml:\d+: .*newPassword is called like a secret"
    ):
        compile_catalog(specs)


def test_an_object_of_the_contract_that_is_called_like_a_secret_is_not_hidden(
    catalog: Catalog,
) -> None:
    supported = {"changePassword": {"supported": True, "note": "by the user"}}
    assert seal(catalog["LoadSCIMServiceProviderConfig"], supported) == supported
    assert seal(catalog["LoadUser"], {"changePassword": {"note": "hunter2"}}) != supported


def test_secrets_that_leave_descope_are_taken_from_nowhere(catalog: Catalog) -> None:
    """An argument beside these says where Descope sends them."""
    outside = {
        "CreateOutboundApp",
        "CreateOutboundAppByTemplate",
        "UpdateOutboundApp",
        "ConfigureSSOOIDCSettings",
        "ImportProject",
        "ImportSnapshot",
        "UploadOutboundAppUserAPIKey",
        "UploadOutboundAppTenantAPIKey",
    }
    assert {name for name in outside if catalog[name].accepts} == set()
    kinds = {kind for o in catalog.values() for kind in o.kinds.values()}
    taken = {kind for o in catalog.values() for fits in o.accepts.values() for kind in fits}
    assert kinds == taken


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("to: [device_code]", "to: [devise_code]", "device_code:", "no record has devise_code"),
        ("to: [pendingRef]", "to: [Me.pendingRef]", "pending_sign_in:", "no record has Me.pend"),
        ("from: [pendingRef]", "from: [pendingRef, sessionJwt]", "pending_sign_in:", "two kinds"),
        ("  query: t\n", "  part: t\n", "magic_link:", "needs from, to"),
    ],
)
def test_an_entry_that_fits_nothing_is_an_error(
    tmp_path: Path, old: str, new: str, line: str, text: str
) -> None:
    specs = tmp_path / "tool_specs"
    shutil.copytree(SPECS, specs)
    path = specs / "handles.yaml"
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError, match=text) as raised:
        compile_catalog(specs)
    number = before.splitlines().index(line) + 1
    where = re.search(r"handles\.yaml:(\d+)", str(raised.value))
    assert where
    assert number <= int(where[1]) <= number + 3
