"""Invitations of new users, which go to the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import fill
from descope_mcp.sandbox.engine.state import State

_ASKED = {"invite": False, "sendMail": False, "sendSMS": False, "inviteUrl": ""}


def invite(state: State, arguments: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    """Send `user` what a request asks for with ``invite``.

    If it does not say by what, it goes by email or, without an address, by SMS.
    """
    asked = fill(_ASKED, arguments)
    if not asked["invite"]:
        return
    url = asked["inviteUrl"] or "https://app.example/invite"
    data = {"link": f"{url}?t={state.new_secret(32)}", "userId": user["userId"]}
    unsaid = arguments.get("sendMail") is None and not asked["sendSMS"]
    if user["email"] and (asked["sendMail"] or unsaid):
        state.send("email", user["email"], "invite", data)
    if user["phone"] and (asked["sendSMS"] or (unsaid and not user["email"])):
        state.send("sms", user["phone"], "invite", data)
