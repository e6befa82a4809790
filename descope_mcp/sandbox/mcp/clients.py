"""OAuth clients of MCP servers: agents, made by hand here or by themselves (`registration`)."""

from __future__ import annotations

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.errors import (
    INVALID,
    MCP_CLIENT_EXISTS,
    NO_MCP_CLIENT,
    NO_MCP_SERVER,
    NO_TENANT,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, fill, strings
from descope_mcp.sandbox.engine.nested_fields import whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.mcp.servers import MCP_SERVERS
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What create and update take; an update replaces it.
EDITABLE: Record = {
    "name": "",
    "approvedCallbackUrls": [],
    "scopes": [],
    "tags": [],
    "logo": "",
    "forceAddAllAuthorizationInfo": False,
    "allowedTenants": [],
}

MCP_CLIENTS = register(
    Table(
        "mcp_clients",
        "MC",
        missing=NO_MCP_CLIENT,
        secrets=("secret",),
        unique=(Unique(("clientId",), MCP_CLIENT_EXISTS),),
        references=(
            Reference("mcpServerId", "mcp_servers", unknown=NO_MCP_SERVER, on_delete="cascade"),
            Reference("allowedTenants[]", "tenants", unknown=NO_TENANT, on_delete="drop"),
        ),
    )
)


@handles("CreateMcpServerClient", required=["mcpServerId"])
def create_mcp_server_client(state: State, arguments: Arguments) -> Answer:
    """A new client with its secret."""
    fields = {**whole(EDITABLE, arguments), "mcpServerId": arguments["mcpServerId"]}
    client = add(state, fields, registration="manual", public=False)
    return {"id": client["id"], "cleartext": client["secret"], "clientId": client["clientId"]}


def add(state: State, fields: Record, *, registration: str, public: bool) -> Record:
    """Store a new client; a public one has no secret."""
    client_id = state.new_id(MCP_CLIENTS.letter)
    client = {
        "id": client_id,
        **fields,
        "clientId": oauth_settings.new_client_id(state, client_id),
        "registrationType": registration,
        "status": "active",
        "secret": "" if public else oauth_settings.new_client_secret(state),
    }
    stored = state.add(MCP_CLIENTS, client)
    _record(state, "McpServerClientCreated", stored)
    return stored


@handles("UpdateMcpServerClient", required=["id", "mcpServerId"])
def update_mcp_server_client(state: State, arguments: Arguments) -> Answer:
    """Replace a client; what is left out is cleared."""
    client = _client(state, arguments)
    client = state.change(MCP_CLIENTS, client, whole(EDITABLE, arguments))
    _record(state, "McpServerClientModified", client)
    return {"client": _view(client)}


@handles("LoadMcpServerClient", required=["mcpServerId"], any_of=["id", "clientId"])
def load_mcp_server_client(state: State, arguments: Arguments) -> Answer:
    """One client of the server by its id or client id, without its secret."""
    return {"client": _view(_client(state, arguments))}


@handles("SearchMcpServerClients", required=["mcpServerId"])
def search_mcp_server_clients(state: State, arguments: Arguments) -> Answer:
    """Clients of one server that pass every filter, a page of them, and the total."""
    server = state.get(MCP_SERVERS, arguments["mcpServerId"])
    names = {
        "clientId": "clientId",
        "status": "status",
        "registrationMethod": "registrationType",
        "tag": "tags",
    }
    asked = fill({**dict.fromkeys(names, ""), "text": "", "name": ""}, arguments)
    wanted = {field: [asked[name]] for name, field in names.items() if asked[name]}
    found = [
        client
        for client in state.all(MCP_CLIENTS, mcpServerId=server["id"])
        if filters.matches(client, wanted)
        and filters.has_text(client, asked["name"], ["name"])
        and filters.has_text(client, asked["text"], ["name", "id", "clientId"])
    ]
    clients = filters.page(filters.ordered(found, arguments.get("sort")), arguments)
    return {"clients": [_view(client) for client in clients], "total": len(found)}


@handles("GetMcpServerClientSecret", required=["id", "mcpServerId"])
def get_mcp_server_client_secret(state: State, arguments: Arguments) -> Answer:
    """The present secret."""
    return {"cleartext": _confidential(state, arguments)["secret"]}


@handles("RotateMcpServerClientSecret", required=["id", "mcpServerId"])
def rotate_mcp_server_client_secret(state: State, arguments: Arguments) -> Answer:
    """A new secret; the old one stops at once."""
    client = _confidential(state, arguments)
    secret = {"secret": oauth_settings.new_client_secret(state)}
    client = state.change(MCP_CLIENTS, client, secret)
    _record(state, "McpServerClientSecretRotated", client)
    return {"cleartext": client["secret"]}


@handles("DeleteMcpServerClient", required=["id", "mcpServerId"])
def delete_mcp_server_client(state: State, arguments: Arguments) -> Answer:
    """Delete a client with its consents."""
    _delete(state, [_client(state, arguments)])
    return None


@handles("DeleteMcpServerClients", required=["ids[]", "mcpServerId"])
def delete_mcp_server_clients(state: State, arguments: Arguments) -> Answer:
    """Delete clients of one server; an unknown id deletes none of them."""
    ids = strings(arguments, "ids")
    _delete(state, [_client(state, {**arguments, "id": client_id}) for client_id in ids])
    return None


def _delete(state: State, clients: list[Record]) -> None:
    for client in clients:
        _record(state, "McpServerClientDeleted", state.delete(MCP_CLIENTS, client["id"]))


def _client(state: State, arguments: Arguments) -> Record:
    """The client by ``id``, else ``clientId``, which must be one of this server's."""
    server = state.get(MCP_SERVERS, arguments["mcpServerId"])
    name = "id" if arguments.get("id") else "clientId"
    client = state.find(MCP_CLIENTS, **{name: arguments[name]})
    if client is None or client["mcpServerId"] != server["id"]:
        raise DescopeError(NO_MCP_CLIENT, f"MCP client not found: {arguments[name]}")
    return client


def _confidential(state: State, arguments: Arguments) -> Record:
    """The client, which must have a secret."""
    client = _client(state, arguments)
    if not client["secret"]:
        raise DescopeError(INVALID, "A public client has no secret")
    return client


def _view(client: Record) -> Record:
    return {name: value for name, value in client.items() if name != "secret"}


def _record(state: State, action: str, client: Record) -> None:
    names = ("id", "name", "mcpServerId")
    state.record(action, data={name: client[name] for name in names})
