"""Services that an outbound app can be made for without giving its addresses.

The real library is longer. The ids are ours: the service does not say which ones it has.
"""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record


def _oauth(name: str, authorize: str, token: str, *scopes: str) -> Record:
    return {
        "name": name,
        "authorizationUrl": authorize,
        "tokenUrl": token,
        "defaultScopes": list(scopes),
        "appType": "oauth",
    }


#: By template id: services where the caller has registered a client.
TEMPLATES: dict[str, Record] = {
    "google": _oauth(
        "Google",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "openid",
        "email",
    ),
    "github": _oauth(
        "GitHub",
        "https://github.com/login/oauth/authorize",
        "https://github.com/login/oauth/access_token",
        "read:user",
    ),
    "slack": _oauth(
        "Slack",
        "https://slack.com/oauth/v2/authorize",
        "https://slack.com/api/oauth.v2.access",
        "chat:write",
    ),
    "hubspot": _oauth(
        "HubSpot",
        "https://app.hubspot.com/oauth/authorize",
        "https://api.hubapi.com/oauth/v1/token",
        "crm.objects.contacts.read",
    ),
}


def _dcr(name: str, base: str) -> Record:
    return {
        **_oauth(name, f"{base}/authorize", f"{base}/token"),
        "useDcr": True,
        "dcrUrl": f"{base}/register",
    }


#: By preset id: services where Descope registers a client by itself.
DCR_PRESETS: dict[str, Record] = {
    "linear": _dcr("Linear", "https://mcp.linear.app"),
    "notion": _dcr("Notion", "https://mcp.notion.com"),
}
