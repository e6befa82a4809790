"""The stages of real calls, as an exporter gets them."""

from __future__ import annotations

from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from opentelemetry.trace import StatusCode
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server import app
from descope_mcp.telemetry import stages, vocabulary
from descope_mcp.telemetry.recorder import Recorder
from tests.recorder import Recorded, recording
from tests.server.http.served import headers, message, served
from tests.telemetry.memory import Told, remembered

pytestmark = pytest.mark.anyio

CALLER = "somebody"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def _known(catalog: Catalog) -> None:
    vocabulary.know("operation", catalog)
    vocabulary.know("template", (operation.path for operation in catalog.values()))


def found(request: Recorded) -> Response:
    user = {"userId": "u1", "loginIds": ["mallory"], "status": "enabled"}
    return JSONResponse({"user": user, "users": [user]})


async def test_a_deletion_goes_through_its_stages(catalog: Catalog) -> None:
    with remembered() as told:
        async with recording(found) as recorder:
            services = recorder.services(catalog)
            call = Call("DeleteUser", {"loginId": "mallory"}, CALLER)
            asked = await invoke(call, services)
            assert isinstance(asked, NeedsConfirmation)
            told.exporter.clear()
            word = accept(asked.question, asked.question.typed)
            outcome = await invoke(
                Call("DeleteUser", {"loginId": "mallory"}, CALLER, None, word), services
            )
    assert isinstance(outcome, Completed)
    call_span = told.span("call DeleteUser")
    below = [name for name in told.inside(call_span) if name != "transaction"]
    assert below == ["examine", "preview", "decide", "turn", "record", "send", "record", "observe"]
    reads = told.inside(told.span("preview"))
    assert reads
    assert all(name.startswith(("GET /", "POST /")) for name in reads)
    assert told.inside(told.span("send")) == ["POST /v1/mgmt/user/delete"]
    assert call_span.attributes == {
        "descope_mcp.operation": "DeleteUser",
        "descope_mcp.call.id": outcome.call_id,
        "descope_mcp.call.class": "destructive",
        "descope_mcp.decision": "confirm",
        "descope_mcp.rule": "destructive",
        "descope_mcp.call.outcome": "done",
    }


async def test_the_metrics_of_calls(catalog: Catalog) -> None:
    with remembered() as told:
        async with recording(found) as recorder:
            services = recorder.services(catalog)
            await invoke(Call("LoadUser", {"loginId": "mallory"}, CALLER), services)
            await invoke(Call("LoadUser", {"loginId": "mallory"}, CALLER), services)
            await invoke(Call("DeleteUser", {"loginId": "mallory"}, CALLER), services)
            await invoke(Call("NoSuchThing", {}, CALLER), services)
            locked = recorder.services(catalog, policy=Policy(read_only=True))
            refused = await invoke(Call("DeleteUser", {"loginId": "mallory"}, CALLER), locked)
            assert isinstance(refused, Refused)
        found_metrics = told.metrics()
    calls = {
        tuple(attributes.values()): value
        for attributes, value in found_metrics["descope_mcp.calls"]
    }
    assert calls == {
        ("LoadUser", "read", "done"): 2,
        ("DeleteUser", "destructive", "asked"): 1,
        ("DeleteUser", "destructive", "refused"): 1,
        ("unknown_operation",): 1,
    }
    decided = {
        tuple(attributes.values()): value
        for attributes, value in found_metrics["descope_mcp.decisions"]
    }
    assert decided == {
        ("read", "allow", "read"): 2,
        ("destructive", "confirm", "destructive"): 1,
        ("destructive", "deny", "read-only"): 1,
    }
    assert found_metrics["descope_mcp.refusals"] == [({"descope_mcp.rule": "read-only"}, 1)]
    statuses = {
        a["http.response.status_code"] for a, _ in found_metrics["http.client.request.duration"]
    }
    assert statuses == {200}


async def test_what_the_service_says_of_its_limit(catalog: Catalog) -> None:
    turns = iter((429, 200))

    def limited(request: Recorded) -> Response:
        headers = {"Retry-After": "0", "RateLimit": '"user";r=7;t=30'}
        return JSONResponse({}, next(turns), headers)

    with remembered() as told:
        async with recording(limited) as recorder:
            services = recorder.services(catalog)
            outcome = await invoke(Call("LoadAllTenants", {}, CALLER), services)
        found_metrics = told.metrics()
    assert isinstance(outcome, Completed)
    assert found_metrics["descope_mcp.api.rate_limit.remaining"] == [({}, 7)]
    assert found_metrics["descope_mcp.api.rate_limit.retry_after"] == [({}, 0)]
    assert {
        (a.get("http.response.status_code"), a.get("error.type"), n)
        for a, n in found_metrics["http.client.request.duration"]
    } == {(429, "429", 1), (200, None, 1)}
    waiting = found_metrics["descope_mcp.api.requests.waiting"]
    # Nobody has waited for room.
    assert {a["descope_mcp.wait.reason"]: value for a, value in waiting} == {"pause": 0}
    again = [s.attributes or {} for s in told.spans if s.name == "GET /v1/mgmt/tenant/all"]
    assert [a.get("http.request.resend_count") for a in again] == [None, 1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_message_goes_on_with_the_trace_of_its_client(catalog: Catalog, mode: str) -> None:
    async def person(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"confirm": True})

    meta: Any = {"traceparent": PARENT, "tracestate": "somebody=mallory@person.example"}
    with remembered() as told:
        async with recording(found) as recorder:
            services = recorder.services(catalog)
            server = app.build(services.catalog, app.alone(services))
            async with Client(server, mode=mode, elicitation_callback=person) as client:
                arguments = {"operation": "DeleteUser", "arguments": {"loginId": "mallory"}}
                await client.call_tool("descope_destructive", arguments, meta=meta)
        metrics = told.metrics()
    messages = [span for span in told.spans if span.name == "tools/call descope_destructive"]
    assert messages
    for span in messages:
        assert f"{span.context.trace_id:032x}" == PARENT.split("-")[1]
        assert span.parent
        assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
        assert len(span.context.trace_state) == 0
    calls = [span for span in told.spans if span.name == "call DeleteUser"]
    assert {span.context.trace_id for span in calls} == {messages[0].context.trace_id}
    assert "answer" in [span.name for span in told.spans]
    waited = told.span("wait")
    assert waited.attributes == {
        "descope_mcp.consent.channel": "form",
        "descope_mcp.consent.answer": "accepted",
    }
    assert metrics["descope_mcp.consent.wait.duration"][0][1] == 1
    assert "mallory" not in told.everything()


async def test_over_http_the_header_names_the_trace(catalog: Catalog) -> None:
    with remembered() as told:
        async with recording(found) as recorder:
            services = recorder.services(catalog)
            async with served(services) as server, server.http() as http:
                sent = {**headers("tools/list"), "traceparent": PARENT, "tracestate": "a=mallory"}
                answer = await http.post("/mcp", json=message("tools/list"), headers=sent)
                assert answer.status_code == 200
    span = told.span("tools/list")
    assert f"{span.context.trace_id:032x}" == PARENT.split("-")[1]
    assert "mallory" not in told.everything()


async def test_an_unreachable_service_is_an_error_of_the_spans(catalog: Catalog) -> None:
    with remembered() as told:
        async with recording() as recorder:
            services = recorder.services(catalog)
        # Nobody listens any more. A change is tried once.
        outcome = await invoke(Call("CreateTenant", {"name": "a"}, CALLER), services)
        await services.client.close()
    assert isinstance(outcome, Failed)
    request = next(span for span in told.spans if span.name == "POST /v1/mgmt/tenant/create")
    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["error.type"] == "ConnectError"
    assert request.status.description is None
    assert request.events == ()


async def test_a_recorder_that_fails_changes_no_outcome(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError

    with remembered():
        monkeypatch.setattr(Recorder, "begun", fails)
        monkeypatch.setattr(Recorder, "ended", fails)
        async with recording(found) as recorder:
            services = recorder.services(catalog)
            outcome = await invoke(Call("CreateTenant", {"name": "a"}, CALLER), services)
    assert isinstance(outcome, Completed)


def test_nobody_is_told_by_default() -> None:
    assert not stages.are_told()
    assert stages.stage("call") is stages.stage("send")
    assert stages.trace_ids() is None


def test_told_is_what_was_remembered() -> None:
    with remembered() as told:
        assert isinstance(told, Told)
        with stages.stage("send"):
            ids = stages.trace_ids()
    assert ids
    assert ids.span == f"{told.span('send').context.span_id:016x}"
