"""Somebody says yes since it can be taken back, and it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.restore.way_back import Undoable

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
NEW = "zoe.lang@globex.example"
PASSKEY = {"credentialId": "AQEBAQ", "rpId": "acme.example", "publicKey": "exported-public-key"}
NOTHING_LOST = "Can be undone; nothing is lost."


async def promised(services: Services, operation: str, given: dict[str, Any]) -> tuple[str, bool]:
    """What a person is told before a call, and whether undo then does anything."""
    outcome = await invoke(Call(operation, given, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    text = outcome.question.text
    word = accept(outcome.question, outcome.question.typed)
    made = await invoke(Call(operation, given, "agent", approval=word), services)
    assert isinstance(made, Completed), made
    back = await undo(Undo(made.call_id, "agent"), services)
    return text, isinstance(back, (Completed, NeedsConfirmation))


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("GenerateJWTSignUpOrIn", {"loginId": ADA}),
        ("ImportLists", {"lists": [{"name": "Mine", "type": "texts", "data": ["a"]}]}),
        ("ImportUserPasskeys", {"loginId": ADA, "devices": [{"descope": PASSKEY}]}),
        ("UpdateUserAddRoles", {"loginId": ADA, "roleNames": ["Viewer"]}),
        ("CreateAccessKey", {"name": "n", "roleNames": ["Owner"]}),
        ("GenerateJWTSignUpOrIn", {"loginId": NEW}),
    ],
)
async def test_what_is_promised_to_be_undone_can_be(
    acme: Services, operation: str, given: dict[str, Any]
) -> None:
    text, undone = await promised(acme, operation, given)
    assert undone is ("Cannot be undone." not in text), text


async def test_what_exists_is_not_deleted_again_and_nobody_is_told_so(acme: Services) -> None:
    outcome = await invoke(Call("EmbeddedLinkSignup", {"loginId": ADA}, "agent"), acme)
    assert isinstance(outcome, NeedsConfirmation), outcome
    assert "Cannot be undone." in outcome.question.text


@pytest.mark.parametrize(
    ("operation", "given", "lost"),
    [
        ("GenerateJWTSignUpOrIn", {"loginId": NEW}, "its tokens count until they expire"),
        ("EmbeddedLinkSignup", {"loginId": NEW}, "it counts until it is used or expires"),
        (
            "CreateUser",
            {"loginId": NEW, "email": NEW, "roleNames": ["Viewer"], "invite": True},
            "What was sent to people.",
        ),
    ],
)
async def test_what_was_handed_out_or_sent_does_not_come_back(
    acme: Services, operation: str, given: dict[str, Any], lost: str
) -> None:
    outcome = await invoke(Call(operation, given, "agent"), acme)
    assert isinstance(outcome, NeedsConfirmation), outcome
    assert NOTHING_LOST not in outcome.question.text
    assert lost in outcome.question.text


async def test_a_secret_that_is_overwritten_is_named_before(acme: Services) -> None:
    secret = {"name": "clientSecret", "type": 1}
    made = await invoke(Call("CreateUserCustomAttribute", {"attributes": [secret]}, "a"), acme)
    assert isinstance(made, Completed), made
    given = {"loginId": ADA, "attributeKey": "clientSecret", "attributeValue": "old-value-of-it"}
    outcome = await invoke(Call("UpdateUserCustomAttribute", given, "agent"), acme)
    if isinstance(outcome, NeedsConfirmation):
        word = accept(outcome.question, outcome.question.typed)
        outcome = await invoke(
            Call("UpdateUserCustomAttribute", given, "agent", approval=word), acme
        )
    assert isinstance(outcome, Completed), outcome
    patch = {"loginId": ADA, "roleNames": ["Viewer"], "customAttributes": {"clientSecret": "new"}}
    asked = await invoke(Call("PatchUser", patch, "agent"), acme)
    assert isinstance(asked, NeedsConfirmation), asked
    assert NOTHING_LOST not in asked.question.text
    assert "clientSecret is secret or not known" in asked.question.text


async def test_an_invitation_that_was_sent_does_not_come_back(acme: Services) -> None:
    given = {"loginId": NEW, "email": NEW, "roleNames": ["Viewer"]}
    quiet = await invoke(Call("CreateUser", given, "agent"), acme)
    assert isinstance(quiet, NeedsConfirmation), quiet
    assert NOTHING_LOST in quiet.question.text
    call = Call("CreateUser", {**given, "invite": True, "sendMail": True}, "agent")
    asked = await invoke(call, acme)
    assert isinstance(asked, NeedsConfirmation), asked
    assert "Not coming back: What was sent to people." in asked.question.text
    made = await invoke(replace(call, approval=accept(asked.question, "")), acme)
    assert isinstance(made, Completed), made
    assert made.undo == Undoable("part", ("What was sent to people.",))
