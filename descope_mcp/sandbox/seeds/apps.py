"""What Acme has beside its people: applications, connections, agents, token templates, lists."""

from __future__ import annotations

from descope_mcp.sandbox.applications import outbound_tokens, third_party_consents
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.seeds.new_project import call
from descope_mcp.sandbox.users.tables import USERS

#: operation, what distinguishes the application
SSO_APPS: list[tuple[str, Record]] = [
    (
        "CreateSSOOIDCApplication",
        {"id": "acme-docs", "name": "Acme Docs", "claims": ["email", "name"]},
    ),
    (
        "CreateSSOSAMLApplication",
        {
            "id": "salesforce",
            "name": "Salesforce",
            "entityId": "https://acme.my.salesforce.example",
            "acsUrl": "https://acme.my.salesforce.example/acs",
            "certificate": "sandbox-certificate",
        },
    ),
    (
        "CreateSSOWSFedApplication",
        {
            "id": "intranet",
            "name": "Intranet",
            "realm": "urn:acme:intranet",
            "replyUrl": "https://intranet.acme.example/signin",
        },
    ),
]

#: name, host, scopes, how many of the users consented
PARTNERS: list[tuple[str, str, list[str], int]] = [
    ("Chart Builder", "charts.example", ["reports.read", "projects.read"], 9),
    ("Invoice Robot", "invoices.example", ["billing.read"], 3),
    ("Old Dashboard", "dashboard.example", ["projects.read"], 0),
]

LISTS: list[Record] = [
    {"name": "Blocked domains", "type": "texts", "data": ["spam.example", "throwaway.example"]},
    {"name": "Office addresses", "type": "ips", "data": ["198.51.100.0/24", "203.0.113.7"]},
    {"name": "Plan limits", "type": "json", "data": {"trial": 3, "business": 50}},
]


def fill(state: State) -> None:
    """Add all of it; some of the active users consent, connect and get an application."""
    user_ids = [user["userId"] for user in state.all(USERS) if user["status"] == "enabled"]
    for operation, app in SSO_APPS:
        page = f"https://auth.acme.example/{app['id']}"
        call(state, operation, **app, enabled=True, loginPageUrl=page)
    for user_id in user_ids[:6]:
        call(state, "UpdateUserAddSSOApps", loginId=user_id, ssoAppIds=["salesforce"])
    claims = {"department": "{{user.customAttributes.department}}"}
    template = call(
        state, "CreateJwtTemplate", template={"name": "Partner tokens", "template": claims}
    )["template"]
    call(state, "ApplyJwtTemplateFromLibrary", libraryEntryId="hasura")
    partners = _add_partners(state, user_ids, template["id"])
    _add_resource(state, partners[0])
    _add_connections(state, user_ids)
    _add_agents(state, user_ids)
    for each in LISTS:
        call(state, "CreateList", **each)


def _add_partners(state: State, user_ids: list[str], template_id: str) -> list[str]:
    ids = []
    for name, host, scopes, consents in PARTNERS:
        app = call(
            state,
            "CreateThirdPartyApplication",
            name=name,
            loginPageUrl="https://auth.acme.example/consent",
            approvedCallbackUrls=[f"https://{host}/callback"],
            permissionsScopes=[{"name": scope, "values": ["Viewer"]} for scope in scopes],
            sessionSettings={"enabled": True, "userTemplateId": template_id},
        )
        for user_id in user_ids[:consents]:
            third_party_consents.grant(
                state, app["id"], scopes, user_id=user_id, granted_by=user_id
            )
        ids.append(app["id"])
    third_party_consents.grant(state, ids[0], ["reports.read"], tenant_id="globex")
    return ids


def _add_resource(state: State, app_id: str) -> None:
    registration = call(state, "CreateDynamicRegistrationTemplate", name="Agents", tags=["agent"])
    call(
        state,
        "CreateResource",
        name="Tickets for agents",
        uri="https://tickets.acme.example/mcp",
        type="mcp",
        dynamicRegistrationSettings={
            "useTemplate": True,
            "dynamicRegistrationTemplateId": registration["template"]["id"],
        },
    )
    reports = call(
        state,
        "CreateResource",
        name="Reports API",
        uri="https://api.acme.example/reports",
        type="api",
        scopes={"permissionsScopes": [{"name": "reports.read", "values": ["Viewer"]}]},
    )
    call(
        state,
        "CreateResourcePolicy",
        thirdPartyApplicationId=app_id,
        resourceId=reports["resource"]["id"],
        userAccessScopes=["reports.read"],
    )


def _add_connections(state: State, user_ids: list[str]) -> None:
    call(
        state,
        "CreateOutboundAppByTemplate",
        templateId="google",
        id="google-calendar",
        clientId="acme-calendar",
        clientSecret=state.new_secret(24),
        overrides={"name": "Google Calendar", "defaultScopes": ["calendar.readonly"]},
    )
    for user_id in user_ids[:5]:
        outbound_tokens.connect(state, "google-calendar", ["calendar.readonly"], user_id=user_id)
    outbound_tokens.connect(state, "google-calendar", ["calendar.readonly"], tenant_id="globex")
    call(state, "CreateOutboundApp", id="weather", name="Weather", appType="apikey")
    call(
        state,
        "UploadOutboundAppTenantAPIKey",
        appId="weather",
        tenantId="globex",
        apiKey=state.new_secret(32),
    )


def _add_agents(state: State, user_ids: list[str]) -> None:
    scope = {"name": "tickets.read", "values": ["Support Agent"]}
    server = call(
        state,
        "CreateMcpServer",
        name="Support tools",
        audienceWhitelist=["https://mcp.acme.example/mcp"],
        approvedScopes={"permissionsScopes": [scope]},
        dynamicRegistration={"enabled": True},
        tags=["support"],
    )["server"]
    for name in ("Triage agent", "Summary agent"):
        client = call(
            state,
            "CreateMcpServerClient",
            mcpServerId=server["id"],
            name=name,
            scopes=["tickets.read"],
            approvedCallbackUrls=["http://127.0.0.1:8787/callback"],
        )
        third_party_consents.grant(
            state, client["id"], ["tickets.read"], user_id=user_ids[1], granted_by=user_ids[1]
        )
