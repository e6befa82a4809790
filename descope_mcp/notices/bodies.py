"""A notice in the forms that its readers take. None of them can carry a decision back."""

from __future__ import annotations

import html
import json
from email.message import EmailMessage
from typing import Any

from descope_mcp.notices.configuration import Email
from descope_mcp.notices.content import Content

_OPEN = "Read and decide"


def as_json(told: Content) -> bytes:
    """For programs: type, time and data, as Standard Webhooks advises."""
    data = {
        "request": told.number,
        "title": told.title,
        "facts": [{"label": label, "value": value} for label, value in told.facts],
        "project": told.project,
        "expires": told.expires,
        "link": told.link,
        "command": told.command,
    }
    return _encoded({"type": "approval.requested", "timestamp": told.created, "data": data})


def as_slack(told: Content) -> bytes:
    """For an incoming webhook of Slack: blocks of plain text, in which nothing becomes a link."""
    heading = f"Request {told.number} waits for a person: {told.title}"
    lines = "\n".join(f"{label}: {value}" for label, value in _lines(told))
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(heading[:150])},
        {"type": "section", "text": _plain(lines[:2_900])},
    ]
    if told.link:
        button = {"type": "button", "text": _plain(_OPEN), "url": told.link}
        blocks.append({"type": "actions", "elements": [button]})
    # What notifications show; there, three characters have a meaning.
    return _encoded({"text": html.escape(heading, quote=False), "blocks": blocks})


def as_teams(told: Content) -> bytes:
    """For a workflow of Teams: an Adaptive Card of text runs, which know no Markdown."""
    heading = f"Request {told.number} waits for a person: {told.title}"
    body = [_run(heading, weight="Bolder", size="Medium")]
    body += [_run(f"{label}: {value}") for label, value in _lines(told)]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if told.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": _OPEN, "url": told.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return _encoded({"type": "message", "attachments": [{"contentType": kind, "content": card}]})


def as_email(told: Content, channel: Email, message: str) -> EmailMessage:
    """In plain text; `message` is the same for every try, so that mailboxes can tell."""
    mail = EmailMessage()
    mail["Subject"] = f"Request {told.number} waits for a person: {told.title}"
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.to)
    domain = channel.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{message}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    where = f"Read and decide: {told.link}\n" if told.link else ""
    lines = "".join(f"{label}: {value}\n" for label, value in _lines(told))
    mail.set_content(f"{told.title}\n\n{lines}\n{where}In a terminal: {told.command}\n")
    return mail


def _lines(told: Content) -> list[tuple[str, str]]:
    last = [("Project", told.project), ("Can be answered until", told.expires)]
    return [*told.facts, *last, ("In a terminal", told.command)]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
