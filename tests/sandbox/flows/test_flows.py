"""Flows, themes and translations: what goes out comes back in."""

from __future__ import annotations

import copy

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def test_a_flow_is_exported_changed_and_imported(client: Client) -> None:
    flow = (await client.call("ExportFlow", flowId="sign-up-or-in"))["flow"]
    assert [s["screenId"] for s in flow["screens"]] == ["welcome", "enter-code"]
    changed = copy.deepcopy(flow)
    changed["metadata"]["name"] = "Log in"
    changed["screens"].pop()
    await client.call("ImportFlow", flow=changed)
    assert (await client.call("ExportFlow", flowId="sign-up-or-in"))["flow"] == changed
    (listed,) = (await client.call("ListFlows", ids=["sign-up-or-in"]))["flows"]
    assert (listed["name"], listed["version"], listed["translate"]) == ("Log in", 2, True)
    await client.call("ImportFlow", flow=flow)
    assert (await client.call("ExportFlow", flowId="sign-up-or-in"))["flow"] == flow
    await client.call("ImportFlow", flow={**flow, "flowId": "copy"})
    assert (await client.call("ListFlows"))["total"] == 3
    await client.call("DeleteFlows", ids=["copy", "unknown"])
    assert await client.error("ExportFlow", 404, flowId="copy") == "E103003"
    assert await client.error("ImportFlow", 400, flow={"metadata": {}}) == "E011003"


async def test_a_theme_is_overwritten(client: Client) -> None:
    theme = (await client.call("ExportTheme"))["theme"]
    assert theme["styles"]["light"]["colors"]["primary"] == "#1f6feb"
    await client.call("ImportTheme", theme={"styles": {"light": {}}})
    assert (await client.call("ExportTheme"))["theme"]["styles"] == {"light": {}}
    await client.call("ImportTheme", theme=theme)
    assert (await client.call("ExportTheme"))["theme"] == theme


async def test_only_management_flows_are_run(client: Client) -> None:
    options = {"input": {"email": "ann@acme.example"}}
    run = {"flowId": "offboard-user", "options": options}
    assert (await client.call("RunManagementFlow", **run))["output"] == options["input"]
    execution = await client.call("RunManagementFlowAsync", **run)
    result = await client.call("GetManagementFlowAsyncResult", **execution)
    assert result == {"output": options["input"]}
    assert await client.error("RunManagementFlow", 400, flowId="sign-up-or-in") == "E011004"
    assert await client.error("RunManagementFlow", 404, flowId="none") == "E103003"
    answer = await client.call("CompleteExternalAuthFlow", externalAuthReqId="r1", loginId="ann")
    assert "r1" in answer["redirectUrl"]


async def test_translations_go_with_their_flow(client: Client) -> None:
    flow = {"flowId": "sign-up-or-in"}
    before = (await client.call("ExportFlowLocalization", **flow))["overrides"]
    assert (before["version"], before["languages"]) == (0, {})
    for text in ("Willkommen", "Hallo"):
        languages = {"de": {"welcome": text}}
        await client.call("ImportFlowLocalization", **flow, overrides={"languages": languages})
    after = (await client.call("ExportFlowLocalization", **flow))["overrides"]
    assert (after["version"], after["languages"]) == (2, languages)
    exported = (await client.call("ExportFlow", **flow))["flow"]
    await client.call("DeleteFlows", ids=["sign-up-or-in"])
    assert await client.error("ExportFlowLocalization", 404, **flow) == "E103003"
    await client.call("ImportFlow", flow=exported)
    assert (await client.call("ExportFlowLocalization", **flow))["overrides"]["version"] == 0


async def test_translations_of_messages_are_overwritten(client: Client) -> None:
    assert (await client.call("ExportMessagingTemplateLocalization"))["overrides"]["version"] == 0
    for languages in ({"de": {"otp": "Ihr Code"}}, {"pt": {"otp": "O seu código"}}):
        await client.call("ImportMessagingLocalization", overrides={"languages": languages})
    stored = (await client.call("ExportMessagingTemplateLocalization"))["overrides"]
    assert (stored["version"], stored["languages"]) == (2, languages)


async def test_templates_and_widgets_are_listed(client: Client) -> None:
    templates = await client.call("ListFlowTemplates")
    assert templates["total"] == len(templates["templates"]) == 2
    assert len((await client.call("ListWidgets"))["widgets"]) == 6
