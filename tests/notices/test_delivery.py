"""Notices of requests arrive once, whatever receivers do, and tell no more than they may."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.responses import Response

from descope_mcp.guard.question.question_data import (
    Disclosure,
    Fact,
    Group,
    Member,
    Project,
    to_json,
)
from descope_mcp.notices import delivery, signature
from descope_mcp.notices.configuration import Channel, Webhook
from descope_mcp.notices.content import Content
from descope_mcp.store.consent import approvals, outbox
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store
from tests.console import requests as in_console
from tests.recorder import Recorded, Recorder, recording
from tests.store.conftest import in_files, on_server, own
from tests.stores import close_all, reopened, replica

__all__ = ["in_files", "on_server", "own"]
pytestmark = pytest.mark.anyio

CONSOLE = "https://mcp.example.com/console"
KEY = b"k" * 32
#: Somebody who would like to be clicked on, in what every channel might repeat.
EVIL = "[yes](https://evil.example/approve) <!channel> www.evil.example"


@pytest.fixture
def other(own: Store, tmp_path: Path) -> Iterator[Store]:
    """The store of another replica."""
    yield replica(own, tmp_path / "replica") if own.is_shared else reopened(own)
    close_all()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.2, 0.2, 0.4))


def question() -> str:
    hits = (Group("Whom", (Member(EVIL, "U1"), Member("Ada Lovelace", "U2"))),)
    counts = (Fact("Users with the role", "12"),)
    project = Project("P1", "Acme", production=True)
    said = Disclosure("DeleteRole", "Delete a role", f"Delete {EVIL}", project, "eve", "default")
    return to_json(
        Disclosure(
            **{
                **{name: getattr(said, name) for name in said.__slots__},
                "hits": hits,
                "counts": counts,
                "danger": "high",
            }
        )
    )


def filed(store: Store, *channels: str, binding: str = "b1") -> int:
    request = approvals.file(
        store,
        project="P1",
        caller=f"eve {EVIL}",
        operation="DeleteRole",
        binding=binding,
        question=question(),
        typed="",
        tell=channels,
    )
    assert request
    return request.number


def hook(recorder: Recorder, **more: Any) -> Webhook:
    return Webhook("ops", f"{recorder.url}/hook?token=secret-canary", **{"key": KEY, **more})


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not true():  # noqa: ASYNC110 - a thread sends
            await anyio.sleep(0.02)


def nothing_left(store: Store, name: str = "ops") -> Callable[[], bool]:
    return lambda: outbox.due(store, name) is None


async def test_a_request_is_told_once_by_two_replicas(own: Store, other: Store) -> None:
    async with recording() as recorder:
        channels = [hook(recorder)]
        with (
            delivery.running(channels, own, CONSOLE),
            delivery.running(channels, other, CONSOLE),
        ):
            numbers = [filed(own, "ops", binding=f"b{number}") for number in range(5)]
            await until(lambda: outbox.due(own, "ops") is None)
        told = [one.json["data"] for one in recorder.requests]
        assert sorted(one["request"] for one in told) == numbers
        assert {one["link"] for one in told} == {f"{CONSOLE}/requests/{n}" for n in numbers}
        assert len({one.headers["webhook-id"] for one in recorder.requests}) == 5


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of its libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature.headers(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.0, b'{"test": 2432232314}'
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_is_sent_is_signed_and_dated_anew_by_each_try(in_files: Store) -> None:
    statuses = iter([500, 200])

    def answer(_: Recorded) -> Response:
        return Response(status_code=next(statuses))

    async with recording(answer) as recorder:
        with delivery.running([hook(recorder)], in_files, ""):
            filed(in_files, "ops")
            await until(nothing_left(in_files))
        first, second = recorder.requests
        # A receiver that has seen an id has seen the notice.
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        for one in recorder.requests:
            at = float(one.headers["webhook-timestamp"])
            made = signature.headers(KEY, one.headers["webhook-id"], at, one.body)
            assert one.headers["webhook-signature"] == made["webhook-signature"]


@pytest.mark.parametrize("body", ["json", "slack", "teams"])
@pytest.mark.parametrize("names", [False, True])
async def test_a_notice_tells_what_it_may_and_foreign_text_makes_no_link(
    in_files: Store, body: Any, names: bool
) -> None:
    async with recording() as recorder:
        with delivery.running([hook(recorder, body=body, names=names)], in_files, CONSOLE):
            number = filed(in_files, "ops")
            await until(nothing_left(in_files))
        (sent,) = recorder.requests
    text = sent.body.decode()
    assert "Delete a role" in text
    assert "12" in text
    assert f"{CONSOLE}/requests/{number}" in text
    assert ("eve" in text) is names
    assert "Ada Lovelace" not in text
    assert "https://evil" not in text
    assert "www.evil" not in text
    assert "evil.example" not in text
    if body == "slack":
        kinds = {block["text"]["type"] for block in sent.json["blocks"] if "text" in block}
        assert kinds == {"plain_text"}
        assert "evil" not in sent.json["text"]
    if body == "teams":
        card = sent.json["attachments"][0]["content"]
        assert {block["type"] for block in card["body"]} == {"RichTextBlock"}


async def test_a_redirect_is_not_followed_and_a_fault_is_tried_again(
    in_files: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with recording() as elsewhere:
        answers = iter(
            [
                Response(status_code=302, headers={"location": f"{elsewhere.url}/stolen"}),
                Response(status_code=500),
                Response(status_code=204),
            ]
        )
        with caplog.at_level(logging.WARNING):
            async with recording(lambda _: next(answers)) as recorder:
                with delivery.running([hook(recorder)], in_files, ""):
                    filed(in_files, "ops")
                    await until(nothing_left(in_files))
        assert len(recorder.requests) == 3
        assert elsewhere.requests == []
    assert "answered 302" in caplog.text
    # The address of a webhook is a secret.
    assert "secret-canary" not in caplog.text


async def test_what_nobody_foresaw_holds_up_one_notice_alone(
    in_files: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made, failing = delivery.content, filed(in_files, "ops")

    def content(request: Request, *given: Any, **named: Any) -> Content:
        if request.number == failing:
            raise UnicodeEncodeError("ascii", "text-canary", 5, 6, "ordinal not in range")
        return made(request, *given, **named)

    monkeypatch.setattr(delivery, "content", content)
    number = filed(in_files, "ops", binding="b2")
    async with recording() as recorder:
        with delivery.running([hook(recorder)], in_files, ""), caplog.at_level(logging.WARNING):
            await until(lambda: bool(recorder.requests))
        assert recorder.requests[0].json["data"]["request"] == number
    assert "was not taken: UnicodeEncodeError" in caplog.text
    assert "canary" not in caplog.text


async def test_one_that_hangs_keeps_no_other_waiting(
    in_files: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("descope_mcp.api.webhook.PATIENCE", 1.0)
    goes_on = asyncio.Event()

    async def answer(request: Recorded) -> Response:
        if request.path.startswith("/slow"):
            await goes_on.wait()
        return Response(status_code=200)

    async with recording(answer) as recorder:
        channels: list[Channel] = [
            Webhook("slow", f"{recorder.url}/slow", key=KEY),
            Webhook("ops", f"{recorder.url}/ops", key=KEY),
        ]
        with delivery.running(channels, in_files, ""):
            filed(in_files, "slow", "ops")
            await until(nothing_left(in_files))
            assert outbox.due(in_files, "slow") is not None
            goes_on.set()
            await until(nothing_left(in_files, "slow"))


async def test_nobody_is_told_of_what_was_answered_and_no_restart_loses_a_notice(
    in_files: Store,
) -> None:
    answered, waits = filed(in_files, "ops"), filed(in_files, "ops", binding="b2")
    assert approvals.answer(in_files, answered, approved=False)
    again = reopened(in_files)
    async with recording() as recorder:
        with delivery.running([hook(recorder)], again, ""):
            await until(nothing_left(again))
    close_all()
    assert [one.json["data"]["request"] for one in recorder.requests] == [waits]


async def test_a_notice_says_how_many_approvals_are_missing(in_files: Store) -> None:
    request = in_console.filed(in_files, approvals=3)
    approvals.answer(in_files, request.number, approved=True, by="bea")
    with in_files.begin() as connection:
        outbox.put(connection, request.number, ["ops"], 0.0)
    async with recording() as recorder:
        with delivery.running([hook(recorder)], in_files, ""):
            await until(nothing_left(in_files))
    (told,) = recorder.requests
    assert {"label": "Approvals", "value": "2 of 3 missing"} in told.json["data"]["facts"]
