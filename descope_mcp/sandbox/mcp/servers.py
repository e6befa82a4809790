"""MCP servers that the project protects. Their clients, `clients`, go with them."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_MCP_SERVER
from descope_mcp.sandbox.engine.fields import Record, fill, strings
from descope_mcp.sandbox.engine.nested_fields import inner, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What create and update take; an update replaces it.
EDITABLE: Record = {
    "name": "",
    "description": "",
    "dynamicRegistration": oauth_settings.DYNAMIC_REGISTRATION,
    "audienceWhitelist": [],
    "approvedScopes": oauth_settings.SCOPES,
    "approvedCallbackUrls": [],
    "loginPageURL": "",
    "sessionSettings": oauth_settings.SESSION,
    "tags": [],
    "logo": "",
    "cimdSettings": oauth_settings.CIMD,
    "skipConsentScreen": False,
    "forceAddAllAuthorizationInfo": False,
}

#: What only create takes, and no answer shows.
_HIDDEN: Record = {"consentFlowId": "", "consentFlowHostingURL": ""}

MCP_SERVERS = register(
    Table(
        "mcp_servers",
        "MS",
        missing=NO_MCP_SERVER,
        references=oauth_settings.jwt_templates_of("sessionSettings"),
    )
)


@handles("CreateMcpServer", required=["name"])
def create_mcp_server(state: State, arguments: Arguments) -> Answer:
    """A new server, without clients."""
    server = state.add(MCP_SERVERS, {**whole(EDITABLE, arguments), **fill(_HIDDEN, arguments)})
    _record(state, "McpServerCreated", server)
    return {"server": _view(server)}


@handles("UpdateMcpServer")
def update_mcp_server(state: State, arguments: Arguments) -> Answer:
    """Replace a server; what is left out is cleared."""
    given = inner(arguments, "server")
    require(given, "id", "name")
    server = state.get(MCP_SERVERS, given["id"])
    server = state.change(MCP_SERVERS, server, whole(EDITABLE, given))
    _record(state, "McpServerModified", server)
    return {"server": _view(server)}


@handles("LoadMcpServer", required=["id"])
def load_mcp_server(state: State, arguments: Arguments) -> Answer:
    """One server."""
    return {"server": _view(state.get(MCP_SERVERS, arguments["id"]))}


@handles("LoadAllMcpServers")
def load_all_mcp_servers(state: State, arguments: Arguments) -> Answer:
    """Every server, and how many there are."""
    servers = [_view(server) for server in state.all(MCP_SERVERS)]
    return {"servers": servers, "total": len(servers)}


@handles("DeleteMcpServer", required=["id"])
def delete_mcp_server(state: State, arguments: Arguments) -> Answer:
    """Delete a server with its clients and their consents."""
    _delete(state, [arguments["id"]])
    return None


@handles("DeleteMcpServers", required=["ids[]"])
def delete_mcp_servers(state: State, arguments: Arguments) -> Answer:
    """Delete servers; an unknown id deletes none of them."""
    _delete(state, strings(arguments, "ids"))
    return None


def _delete(state: State, ids: list[str]) -> None:
    for server_id in ids:
        _record(state, "McpServerDeleted", state.delete(MCP_SERVERS, server_id))


def _view(server: Record) -> Record:
    return {name: value for name, value in server.items() if name not in _HIDDEN}


def _record(state: State, action: str, server: Record) -> None:
    state.record(action, data={"id": server["id"], "name": server["name"]})
