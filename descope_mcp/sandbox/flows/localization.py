"""Translations of flows and of messages, which override the texts they have by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import missing
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.flows.handlers import FLOWS

FLOW_TEXTS = register(
    Table(
        "flow_localizations",
        "L",
        references=(Reference("flowId", "flows", "flowId", on_delete="cascade"),),
    )
)
MESSAGE_TEXTS = register(Table("message_localizations"))

_NONE: Record = {"id": "", "version": 0, "modifiedTime": "0", "languages": {}}


@handles("ExportFlowLocalization", required=["flowId"])
def export_flow_localization(state: State, arguments: Arguments) -> Answer:
    """The translations of a flow by language."""
    flow = state.get(FLOWS, arguments["flowId"])
    stored = state.find(FLOW_TEXTS, flowId=flow["flowId"])
    return {"overrides": stored or {**_NONE, "flowId": flow["flowId"]}}


@handles("ImportFlowLocalization", required=["flowId"])
def import_flow_localization(state: State, arguments: Arguments) -> Answer:
    """Overwrite the translations of a flow."""
    flow = state.get(FLOWS, arguments["flowId"])
    fields = _fields(state, arguments)
    if stored := state.find(FLOW_TEXTS, flowId=flow["flowId"]):
        state.change(FLOW_TEXTS, stored, _next(stored, fields))
    else:
        stored = state.add(FLOW_TEXTS, {"flowId": flow["flowId"], "version": 1, **fields})
    state.record("FlowLocalizationImported", data={"flowId": flow["flowId"]})
    return {"overrides": stored}


@handles("ExportMessagingTemplateLocalization")
def export_messaging_localization(state: State, arguments: Arguments) -> Answer:
    """The translations of messages by language."""
    return {"overrides": next(iter(state.all(MESSAGE_TEXTS)), _NONE)}


@handles("ImportMessagingLocalization")
def import_messaging_localization(state: State, arguments: Arguments) -> Answer:
    """Overwrite the translations of messages."""
    fields = _fields(state, arguments)
    stored = next(iter(state.all(MESSAGE_TEXTS)), None)
    if stored:
        state.change(MESSAGE_TEXTS, stored, _next(stored, fields))
    else:
        stored = state.add(MESSAGE_TEXTS, {"id": "messages", "version": 1, **fields})
    state.record("MessagingLocalizationImported")
    return {"overrides": stored}


def _fields(state: State, arguments: Arguments) -> Record:
    overrides = fill({"overrides": {}}, arguments)["overrides"]
    if not overrides:
        raise missing("overrides")
    languages = fill({"languages": {}}, overrides)["languages"]
    return {"languages": languages, "modifiedTime": str(state.now())}


def _next(stored: Mapping[str, Any], fields: Record) -> Record:
    return {**fields, "version": stored["version"] + 1}
