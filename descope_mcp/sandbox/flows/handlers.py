"""Flows: stored, listed, exported and imported. What their steps do is for Descope to do.

A flow is stored in the form in which it is exported, with what the list says about it besides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, NO_EXECUTION, NO_FLOW, DescopeError, missing
from descope_mcp.sandbox.engine.fields import Record, fill, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.flows.templates import TEMPLATES, WIDGETS

FLOWS = register(Table("flows", key="flowId", missing=NO_FLOW))

#: What runs of management flows gave.
EXECUTIONS = register(Table("flow_executions", "E", missing=NO_EXECUTION))

_TRANSLATION: Record = {
    "enabled": False,
    "connectorId": "",
    "sourceLanguage": "",
    "targetLanguages": [],
}
_METADATA: Record = {
    "name": "",
    "description": "",
    "componentsVersion": "",
    "disabled": False,
    "fingerprint": False,
    "widget": False,
    "translation": {},
    "sharedInteractions": [],
    "management": False,
    "managementConfig": {},
}
_INTERACTION: Record = {"id": "", "type": "", "label": "", "icon": "", "subType": ""}
_SCREEN: Record = {"screenId": "", "interactions": [], "contents": {}}
_REFERENCES: Record = {
    "connectors": {},
    "oauth": [],
    "omitted": [],
    "roles": {},
    "userAttributes": [],
    "tenantAttributes": [],
}
_EXPORTED = ("flowId", "metadata", "contents", "screens", "references")
_NO_ENGINE = "the steps of a flow do not run; a run gives back its input"


@handles("ListFlows")
def list_flows(state: State, arguments: Arguments) -> Answer:
    """All flows or those with the ids that are given, without their definitions."""
    ids = strings(arguments, "ids")
    found = [flow for flow in state.all(FLOWS) if not ids or flow["flowId"] in ids]
    return {"flows": [_listed(flow) for flow in found], "total": len(found)}


@handles("ExportFlow", required=["flowId"])
def export_flow(state: State, arguments: Arguments) -> Answer:
    """One flow with its screens, as `import_flow` takes it."""
    flow = state.get(FLOWS, arguments["flowId"])
    return {"flow": {name: flow[name] for name in _EXPORTED}}


@handles("ImportFlow")
def import_flow(state: State, arguments: Arguments) -> Answer:
    """Store a flow; one of the same id is overwritten."""
    asked = fill({"flow": {}}, arguments)["flow"]
    if not asked:
        raise missing("flow")
    template = {"flowId": "", "metadata": {}, "contents": {}, "screens": [], "references": {}}
    given = fill(template, asked)
    require(given, "flowId")
    flow = {
        "flowId": given["flowId"],
        "metadata": _metadata(given["metadata"]),
        "contents": given["contents"],
        "screens": [_screen(item) for item in objects(given, "screens")],
        "references": references(given["references"]),
    }
    put_flow(state, flow)
    state.record("FlowImported", data={"flowId": flow["flowId"]})
    return None


@handles("DeleteFlows", required=["ids[]"])
def delete_flows(state: State, arguments: Arguments) -> Answer:
    """Delete flows; ids of none are passed over."""
    for flow_id in strings(arguments, "ids"):
        if state.find(FLOWS, flowId=flow_id):
            state.delete(FLOWS, flow_id)
            state.record("FlowDeleted", data={"flowId": flow_id})
    return None


@handles("ListFlowTemplates")
def list_flow_templates(state: State, arguments: Arguments) -> Answer:
    """The ready-made flows that the service offers; the sandbox has two."""
    return {"templates": list(TEMPLATES), "total": len(TEMPLATES)}


@handles("ListWidgets")
def list_widgets(state: State, arguments: Arguments) -> Answer:
    """The widgets that every project has."""
    return {"widgets": list(WIDGETS)}


@handles("RunManagementFlow", required=["flowId"], shape_only=_NO_ENGINE)
def run_management_flow(state: State, arguments: Arguments) -> Answer:
    """Run a flow, which must be a management flow and enabled."""
    return {"output": _run(state, arguments)["output"]}


@handles("RunManagementFlowAsync", required=["flowId"], shape_only=_NO_ENGINE)
def run_management_flow_async(state: State, arguments: Arguments) -> Answer:
    """As `run_management_flow`, but the output is to be fetched."""
    return {"executionId": _run(state, arguments)["id"]}


@handles("GetManagementFlowAsyncResult", required=["executionId"])
def get_management_flow_async_result(state: State, arguments: Arguments) -> Answer:
    """What a run gave."""
    return {"output": state.get(EXECUTIONS, arguments["executionId"])["output"]}


@handles(
    "CompleteExternalAuthFlow",
    required=["externalAuthReqId"],
    shape_only="no flow waits for it; the answer says where the user would go on",
)
def complete_external_auth_flow(state: State, arguments: Arguments) -> Answer:
    """Tell a flow that the user was authenticated elsewhere."""
    request_id = arguments["externalAuthReqId"]
    asked = fill({"loginId": "", "user": {}}, arguments)
    if not (asked["loginId"] or fill({"loginId": ""}, asked["user"])["loginId"]):
        raise missing("loginId")
    state.record("ExternalAuthCompleted", data={"externalAuthReqId": request_id})
    url = f"https://auth.example/login/{state.project_id}?externalAuthReqId={request_id}"
    return {"redirectUrl": url}


def put_flow(state: State, flow: Record) -> None:
    """Store a flow in the form of its export, with a new version."""
    before = state.find(FLOWS, flowId=flow["flowId"])
    content = json.dumps(flow, sort_keys=True)
    fields = {
        **flow,
        "version": before["version"] + 1 if before else 1,
        "modifiedTime": str(state.now()),
        "etag": hashlib.sha256(content.encode()).hexdigest()[:16],
    }
    if before:
        state.change(FLOWS, before, fields)
    else:
        state.add(FLOWS, fields)


def references(given: Mapping[str, Any]) -> Record:
    """What a flow or a theme refers to in its project."""
    return fill(_REFERENCES, given)


def _run(state: State, arguments: Arguments) -> Record:
    metadata = state.get(FLOWS, arguments["flowId"])["metadata"]
    if not metadata["management"] or metadata["disabled"]:
        raise DescopeError(INVALID, f"{arguments['flowId']} is not an enabled management flow")
    options = fill({"options": {}}, arguments)["options"]
    output = fill({"input": {}}, options)["input"]
    state.record("ManagementFlowRun", data={"flowId": arguments["flowId"]})
    return state.add(EXECUTIONS, {"flowId": arguments["flowId"], "output": output})


def _metadata(given: Mapping[str, Any]) -> Record:
    metadata = fill(_METADATA, given)
    triggers = fill({"triggers": {}}, metadata["managementConfig"])["triggers"]
    own = fill({"enabled": False, "triggerType": "", "eventTriggers": {}}, triggers)
    types = fill({"triggeringEventTypes": []}, own["eventTriggers"])
    return {
        **metadata,
        "translation": fill(_TRANSLATION, metadata["translation"]),
        "sharedInteractions": [
            fill(_INTERACTION, item) for item in objects(metadata, "sharedInteractions")
        ],
        "managementConfig": {"triggers": {**own, "eventTriggers": types}},
    }


def _screen(item: Mapping[str, Any]) -> Record:
    screen = fill(_SCREEN, item)
    require(screen, "screenId")
    own = [fill(_INTERACTION, each) for each in objects(screen, "interactions")]
    return {**screen, "interactions": own}


def _listed(flow: Mapping[str, Any]) -> Record:
    metadata = flow["metadata"]
    translation = metadata["translation"]
    names = ("name", "description", "disabled", "fingerprint", "widget", "sharedInteractions")
    return {
        "id": flow["flowId"],
        **{name: metadata[name] for name in (*names, "management", "managementConfig")},
        **{name: flow[name] for name in ("version", "modifiedTime", "etag")},
        "dsl": None,
        "translate": translation["enabled"],
        "translateConnectorID": translation["connectorId"],
        "translateSourceLang": translation["sourceLanguage"],
        "translateTargetLangs": translation["targetLanguages"],
        "referencesGlobalStrings": False,
    }
