"""Every argument that acts, in every operation, raises the risk of the call by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from descope_mcp.catalog.arguments.meanings import Meaning
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas import input_schema
from descope_mcp.guard.policy.risk import Risk, assess
from descope_mcp.guard.preview.comparison.difference import Change
from tests.guard.policy.cases import HOSTS
from tests.recorder import sample

#: Meanings of which any value is enough.
GIVES: tuple[Meaning, ...] = (
    "roles",
    "permissions",
    "tenants",
    "claims",
    "ways_in",
    "applications",
)


def acting(catalog: Catalog, *meanings: Meaning) -> Iterator[tuple[Operation, str]]:
    for operation in catalog.values():
        for meaning in meanings:
            if meaning in operation.marks:
                yield from ((operation, path) for path in operation.marks[meaning].acts)


def put(schema: Mapping[str, Any], data: Any, path: str, value: Any) -> Any:
    """`data` with `value` at `path`, in the first element of each list on the way."""
    if not path:
        return [value] if schema.get("type") == "array" and not isinstance(value, list) else value
    if "properties" not in schema and path.partition(".")[0] == "*":
        return {"x1": put(schema["additionalProperties"], {}, path.removeprefix("*."), value)}
    name, _, rest = path.partition(".")
    if path in schema.get("properties", {}):
        name, rest = path, ""
    plain = name.removesuffix("[]")
    below = schema["properties"][plain]
    here = dict(data) if isinstance(data, dict) else {}
    if name.endswith("[]"):
        old = (here.get(plain) or [{}])[0]
        return {**here, plain: [put(below["items"], old, rest, value)]}
    return {**here, plain: put(below, here.get(plain), rest, value)}


def call_with(operation: Operation, path: str, value: Any) -> dict[str, Any]:
    """A call that says nothing but this."""
    called: dict[str, Any] = put(operation.input_schema, {}, path, value)
    return called


def telling(operation: Operation, path: str) -> Any:
    """A value that says something."""
    schema = input_schema.lookup(operation.input_schema, path) or {}
    if schema.get("type") == "boolean":
        return True
    value = sample(schema)
    return value or {"roles": ["x1"]}


def takes_over(risk: Risk) -> bool:
    return "account_takeover" in risk.hazards


def foreign(risk: Risk) -> bool:
    """Whether a person is told that something leads to a host that is not trusted."""
    return any("not trust" in text or "not trusted" in text for text in risk.say)


def test_what_gives_rights_or_a_way_in_can_give_control(catalog: Catalog) -> None:
    tried = 0
    for operation, path in acting(catalog, *GIVES):
        call = call_with(operation, path, telling(operation, path))
        assert takes_over(assess(operation, call, HOSTS)), (operation.name, path, call)
        tried += 1
    assert tried > 200


def test_what_is_gained_against_the_before_state_counts(catalog: Catalog) -> None:
    compared = 0
    for operation, path in acting(catalog, *GIVES):
        if any(path in (*rule.gains, *rule.changed) for rule in operation.when if rule.meaning):
            value = telling(operation, path)
            call = call_with(operation, path, value)
            gained = Change(path, [], [value], gained=(value,))
            assert takes_over(assess(operation, call, HOSTS, [gained])), (operation.name, path)
            compared += 1
    assert compared


def test_an_address_leads_to_a_trusted_host_or_is_asked_about(catalog: Catalog) -> None:
    tried = 0
    for operation, path in acting(catalog, "hosts"):
        for url in (
            "https://evil.example/x",
            "evil.example",
            "https://app.example.com.evil.example",
        ):
            call = call_with(operation, path, url)
            risk = assess(operation, call, HOSTS)
            assert takes_over(risk), (operation.name, path, call)
            assert {path, f"{path}[]"} & {*risk.paths}
            known = assess(operation, call, HOSTS, [Change(path, "", url)])
            assert foreign(known), (operation.name, path)
            assert takes_over(known)
        tried += 1
    assert tried > 80


def test_a_trusted_host_raises_nothing(catalog: Catalog) -> None:
    for operation, path in acting(catalog, "hosts"):
        call = call_with(operation, path, "https://app.example.com/x")
        assert not foreign(assess(operation, call, HOSTS)), (operation.name, path)


@pytest.mark.parametrize(
    ("account", "address", "another"),
    [
        ("ada@acme.test", "eve@evil.example", True),
        ("ada@acme.test", "ada@acme.test", False),
        ("ada@acme.test", "ADA@Acme.test ", False),
        ("ada@acme.test", "ada@acme.test,eve@evil.example", True),
        ("ada@acme.test", "Ada <ada@acme.test>", True),
        ("ada@acme.test", "eve＠evil.example", True),  # noqa: RUF001
        ("ada", "ada@acme.test", False),
        ("+1 555 000 1111", "+15550001111", False),
        ("+15550001111", "+15550001112", True),
    ],
)
def test_an_account_is_not_laid_out_for_somebody_else(
    catalog: Catalog, account: str, address: str, another: bool
) -> None:
    name = "phone" if account.startswith("+") else "email"
    tried = 0
    for operation, path in acting(catalog, "recipients"):
        pairs = [r.unlike for r in operation.when if r.unlike]
        own = next((key for one in pairs for key, paths in one.items() if path in paths), "")
        if own and path.rpartition(".")[2] == name:
            call = put(operation.input_schema, call_with(operation, own, account), path, address)
            assert takes_over(assess(operation, call, HOSTS)) is another, (operation.name, call)
            tried += 1
    assert tried > 5


def test_each_of_a_batch_is_judged_by_itself(catalog: Catalog) -> None:
    def users(*pairs: tuple[str, str]) -> dict[str, Any]:
        return {"users": [{"loginId": one, "email": two} for one, two in pairs]}

    create = catalog["CreateUsers"]
    same = users(("ada@acme.test", "ada@acme.test"), ("bob@acme.test", "bob@acme.test"))
    crossed = users(("ada@acme.test", "bob@acme.test"), ("bob@acme.test", "ada@acme.test"))
    assert not takes_over(assess(create, same, HOSTS))
    assert takes_over(assess(create, crossed, HOSTS))


def test_a_code_goes_to_the_account_or_is_asked_about(catalog: Catalog) -> None:
    """An address of another kind counts as soon as something is sent to it."""

    def risky(name: str, **arguments: Any) -> bool:
        return takes_over(assess(catalog[name], arguments, HOSTS))

    mail, phone = "ada@acme.test", "+15550001111"
    assert not risky("CreateUser", loginId=mail, email=mail, phone=phone, sendMail=True)
    assert risky("CreateUser", loginId=mail, email=mail, phone=phone, sendSMS=True)
    assert risky("CreateUser", loginId=phone, email=mail, invite=True)
    assert not risky("CreateUser", loginId=phone, email=mail)
    assert risky("SignUpOtpSMS", loginId=mail, phone=phone)
    assert not risky("SignUpOtpSMS", loginId=phone, phone=phone, user={"email": mail})
    assert risky("UserSignupOtpEmail", loginId=phone, email=mail)


def test_only_what_has_a_meaning_in_the_call_counts(catalog: Catalog) -> None:
    """Filters of a read, and roles that are taken away, give nothing."""
    for operation in catalog.values():
        assert not (operation.marks and operation.worst_effect == "read"), operation.name
    gone = catalog["UpdateUserRemoveRoles"]
    assert not takes_over(assess(gone, {"loginId": "a", "roleNames": ["Admin"]}, HOSTS))
    assert gone.marks["roles"].takes == ("roleNames",)
