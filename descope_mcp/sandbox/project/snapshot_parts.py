"""What snapshots are made of: the sorts of settings, and the operations that set each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from descope_mcp.sandbox.applications import sso_apps, third_party_apps
from descope_mcp.sandbox.engine.fields import Record, fill, one_of

#: An operation with its arguments.
Call = tuple[str, Record]


@dataclass(frozen=True, slots=True)
class Part:
    """One sort of settings.

    Attributes:
        table: where they are stored.
        by: the field that says which one is meant, in every project.
        single: there is one in a project, whatever the field says.
        put: the call that sets one, from its content and what there is of it already.
        drop: the call that deletes one; None for what every project has.
        fixed: whether one belongs to the service or to a tenant, and is no part of snapshots.
        left_out: fields that are another project's own.
        secrets: fields that are blank in a snapshot.
        ask_under: where ``inputSecrets`` has them.
    """

    table: str
    by: str
    put: Callable[[Record, Record | None], Call]
    drop: Callable[[Record], Call] | None = None
    _: KW_ONLY
    single: bool = False
    fixed: Callable[[Mapping[str, Any]], bool] = lambda record: False
    left_out: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ask_under: str = ""


def _renaming(content: Record) -> Record:
    return {**content, "newName": content["name"]}


def _sso_app(content: Record, present: Record | None) -> Call:
    """Requests have the settings of the one protocol beside the name, and name it their own way."""
    protocol = fill({"appType": ""}, content)["appType"]
    names = {"oidc": "OIDC", "saml": "SAML", "wsfed": "WSFed"}
    name = names[one_of("appType", protocol, names)]
    settings = fill({f"{protocol}Settings": {}}, content)[f"{protocol}Settings"]
    return f"{'Update' if present else 'Create'}SSO{name}Application", {**content, **settings}


def _third_party_app(content: Record, present: Record | None) -> Call:
    if present:
        return "UpdateThirdPartyApplication", {**content, "id": present["id"]}
    return "CreateThirdPartyApplication", content


def _mcp_server(content: Record, present: Record | None) -> Call:
    if present:
        return "UpdateMcpServer", {"server": {**content, "id": present["id"]}}
    return "CreateMcpServer", content


#: In the order of an import: what others refer to comes first.
PARTS: dict[str, Part] = {
    "project": Part(
        "projects",
        "id",
        lambda c, _: ("UpdateProjectTags", c),
        single=True,
        left_out=("id", "name", "tag", "environment"),
    ),
    "passwordSettings": Part(
        "password_settings",
        "tenantId",
        lambda c, _: ("ConfigurePasswordSettings", fill({"settings": {}}, c)["settings"]),
        single=True,
        fixed=lambda settings: bool(settings["tenantId"]),
    ),
    "userAttributes": Part(
        "user_attributes",
        "name",
        lambda c, _: ("CreateUserCustomAttribute", {"attributes": [c]}),
        lambda r: ("DeleteUserCustomAttribute", {"names": [r["name"]]}),
    ),
    "permissions": Part(
        "permissions",
        "name",
        lambda c, known: ("UpdatePermission", _renaming(c)) if known else ("CreatePermission", c),
        lambda r: ("DeletePermission", {"name": r["name"]}),
        fixed=lambda permission: bool(permission["systemDefault"]),
        left_out=("id", "systemDefault"),
    ),
    "roles": Part(
        "roles",
        "name",
        lambda c, known: ("UpdateRole", _renaming(c)) if known else ("CreateRole", c),
        lambda r: ("DeleteRole", {"name": r["name"]}),
        fixed=lambda role: bool(role["tenantId"]) or role["name"] == "Tenant Admin",
        left_out=("id", "tenantId", "createdTime"),
    ),
    "authorization": Part(
        "fga_schema",
        "id",
        lambda c, _: (
            ("CreateFGASchema", c) if c.get("dsl") else ("SaveSchema", {**c, "upgrade": True})
        ),
        lambda r: ("DeleteSchema", {}),
        single=True,
        left_out=("id", "version"),
    ),
    "flows": Part(
        "flows",
        "flowId",
        lambda c, _: ("ImportFlow", {"flow": c}),
        lambda r: ("DeleteFlows", {"ids": [r["flowId"]]}),
        left_out=("version", "modifiedTime", "etag"),
    ),
    "flowLocalizations": Part(
        "flow_localizations",
        "flowId",
        lambda c, _: ("ImportFlowLocalization", {"flowId": c["flowId"], "overrides": c}),
        left_out=("id", "version", "modifiedTime"),
    ),
    "styles": Part(
        "themes", "id", lambda c, _: ("ImportTheme", {"theme": c}), single=True, left_out=("id",)
    ),
    "messages": Part(
        "message_localizations",
        "id",
        lambda c, _: ("ImportMessagingLocalization", {"overrides": c}),
        single=True,
        left_out=("id", "version", "modifiedTime"),
    ),
    "lists": Part(
        "lists",
        "id",
        lambda c, _: ("ImportLists", {"lists": [c]}),
        lambda r: ("DeleteList", {"id": r["id"]}),
    ),
    "jwtTemplates": Part(
        "jwt_templates",
        "id",
        lambda c, known: (f"{'Update' if known else 'Create'}JwtTemplate", {"template": c}),
        lambda r: ("DeleteJwtTemplate", {"id": r["id"]}),
        left_out=("version",),
    ),
    "ssoApplications": Part(
        "sso_apps",
        "id",
        _sso_app,
        lambda r: ("DeleteSSOApplication", {"id": r["id"]}),
        fixed=lambda app: app["id"] == sso_apps.DEFAULT_ID,
        left_out=("certificate",),
    ),
    "thirdPartyApplications": Part(
        "third_party_apps",
        "name",
        _third_party_app,
        lambda r: ("DeleteThirdPartyApplication", {"id": r["id"]}),
        left_out=("id", *third_party_apps.FIXED),
    ),
    "mcpServers": Part(
        "mcp_servers",
        "name",
        _mcp_server,
        lambda r: ("DeleteMcpServer", {"id": r["id"]}),
        left_out=("id",),
    ),
    "outboundApps": Part(
        "outbound_apps",
        "id",
        lambda c, known: ("UpdateOutboundApp", {"app": c}) if known else ("CreateOutboundApp", c),
        lambda r: ("DeleteOutboundApp", {"id": r["id"]}),
        fixed=lambda app: bool(app["tenantId"]),
        secrets=("clientSecret",),
        ask_under="outboundApps",
    ),
}
