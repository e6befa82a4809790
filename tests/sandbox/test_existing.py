"""What the sandbox makes of a creation whose name or id is taken, as the records say."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call
from tests.call.test_examples import BEN, live, organisation

#: What is called instead of an operation's example, where that does not say which one it means.
CALLED = {"ImportLists": {"lists": [{"id": "LI1", "name": "Blocked", "type": "texts"}]}}
#: Fields that tell when, and not what.
TIMES = ("Time", "occurred", "version")
PHONE = "+15550100001"
#: Tables of what has happened, which grow whatever exists.
HISTORY = ("audits", "sessions", "verifications", "exchange_codes")


def test_the_sandbox_does_with_what_exists_as_the_records_say(catalog: Catalog) -> None:
    state = organisation()
    tokens = live(state)
    records = state.export()
    wrong = []
    for operation in catalog.values():
        if not operation.existing or not operation.examples:
            continue
        example = CALLED.get(operation.name, operation.examples[0].arguments)
        given = {
            name: tokens.get(value, value) if isinstance(value, str) else value
            for name, value in example.items()
        }
        given = check(operation, given)
        state.replace(records)
        call(state, operation.name, **given)
        before = _lasting(state)
        try:
            second = call(state, operation.name, **given)
        except DescopeError:
            became = "refused"
        else:
            after = _lasting(state)
            refused = second.get("failedUsers")
            became = "refused" if refused else "kept" if after == before else "another"
            if became == "another" and operation.existing == "replaced":
                became = "replaced"
        fits = {
            "unknown": ("refused", "kept", "another"),
            "replaced": ("kept", "replaced"),
        }.get(operation.existing, (operation.existing,))
        if became not in fits:
            wrong.append(f"{operation.name}: {became}, the record says {operation.existing}")
    assert not wrong, "\n".join(wrong)


def test_who_signs_up_as_somebody_who_exists_changes_nothing(catalog: Catalog) -> None:
    state = organisations.acme()
    call(state, "UpdateUserPhone", loginId=BEN, phone=PHONE, verified=True)
    before = state.export()
    given = {"loginId": BEN, "email": BEN, "phone": PHONE, "password": "Correct-Horse-7"}
    made = {"user": {"name": "Mallory", "email": "mallory@example.com"}, "provider": "whatsapp"}
    for operation in catalog.values():
        fields = operation.input_schema["properties"]
        if operation.plane != "end_user" or not operation.existing or "loginId" not in fields:
            continue
        arguments = {k: v for k, v in (given | made).items() if k in fields}
        if operation.existing == "refused":
            with pytest.raises(DescopeError):
                call(state, operation.name, **arguments)
        else:
            call(state, operation.name, **arguments)
        assert state.export()["users"] == before["users"], operation.name


def _lasting(state: State) -> dict[str, Any]:
    """What is there, without what has happened and when; of events those that were asked for."""
    tables = state.export()
    asked = [event for event in tables["audits"] if event["action"] == "InvoiceApproved"]
    return {
        "audits": len(asked),
        **{
            name: [_timeless(record) for record in records]
            for name, records in tables.items()
            if name not in HISTORY
        },
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if not k.endswith(TIMES)}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
