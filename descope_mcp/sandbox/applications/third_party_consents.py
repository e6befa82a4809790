"""What users, or administrators for a whole tenant, allowed OAuth clients to do for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.errors import NO_CONSENT
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.users.tables import USERS

#: A client is a third-party application or a client of an MCP server.
CONSENTS = register(
    Table(
        "third_party_consents",
        "TPC",
        missing=NO_CONSENT,
        references=(
            Reference("appId", "third_party_apps", on_delete="cascade"),
            Reference("appId", "mcp_clients", on_delete="cascade"),
            Reference("userId", "users", by="userId", on_delete="cascade"),
            Reference("tenantId", "tenants", on_delete="cascade"),
        ),
    )
)


def grant(
    state: State,
    app_id: str,
    scopes: Iterable[str],
    *,
    user_id: str = "",
    tenant_id: str = "",
    granted_by: str = "",
    expire_time: int = 0,
) -> Record:
    """Write down a consent; one that the same user and tenant gave the client before grows."""
    now = state.now()
    whose = {"appId": app_id, "userId": user_id, "tenantId": tenant_id}
    present = state.find(CONSENTS, **whose)
    if present is not None:
        fields = {
            "scopes": distinct([*present["scopes"], *scopes]),
            "grantedBy": granted_by,
            "ExpireTime": expire_time,
            "modifiedTime": now,
        }
        consent = state.change(CONSENTS, present, fields)
    else:
        consent = state.add(
            CONSENTS,
            {
                **whose,
                "scopes": distinct(scopes),
                "grantedBy": granted_by,
                "createdTime": now,
                "ExpireTime": expire_time,
                "modifiedTime": now,
            },
        )
    _record(state, "ThirdPartyConsentGranted", consent)
    return consent


@handles("SearchThirdPartyApplicationConsents")
def search_consents(state: State, arguments: Arguments) -> Answer:
    """Consents that pass the filters, a page of them, and the total."""
    names = {"appId": "appId", "userId": "userId", "consentId": "id", "tenantId": "tenantId"}
    asked = fill(dict.fromkeys(names, ""), arguments)
    wanted = {field: asked[name] for name, field in names.items() if asked[name]}
    found = state.all(CONSENTS, **wanted)
    return {"consents": filters.page(found, arguments), "total": len(found)}


@handles(
    "DeleteThirdPartyApplicationConsents", any_of=["consentIds[]", "appId", "userIds[]", "tenantId"]
)
def delete_consents(state: State, arguments: Arguments) -> Answer:
    """Take back what users gave: every consent that passes all filters."""
    users = strings(arguments, "userIds")
    _delete(
        state,
        [
            consent
            for consent in _chosen(state, arguments)
            if consent["userId"] and (not users or consent["userId"] in users)
        ],
    )
    return None


@handles("DeleteThirdPartyApplicationTenantConsents", any_of=["consentIds[]", "appId", "tenantId"])
def delete_tenant_consents(state: State, arguments: Arguments) -> Answer:
    """Take back what was given for whole tenants: every consent that passes all filters."""
    _delete(state, [c for c in _chosen(state, arguments) if not c["userId"]])
    return None


def _chosen(state: State, arguments: Arguments) -> Sequence[Record]:
    """The consents by ``consentIds``, each of which must exist, ``appId`` and ``tenantId``."""
    ids = strings(arguments, "consentIds")
    consents = [state.get(CONSENTS, i) for i in ids] if ids else state.all(CONSENTS)
    asked = fill({"appId": "", "tenantId": ""}, arguments)
    return [c for c in consents if all(asked[f] in ("", c[f]) for f in asked)]


def _delete(state: State, consents: Iterable[Record]) -> None:
    for consent in consents:
        _record(state, "ThirdPartyConsentDeleted", state.delete(CONSENTS, consent["id"]))


def _record(state: State, action: str, consent: Record) -> None:
    state.record(
        action,
        user=state.find(USERS, userId=consent["userId"]),
        tenants=[consent["tenantId"]] if consent["tenantId"] else None,
        data={"id": consent["id"], "appId": consent["appId"], "scopes": consent["scopes"]},
    )
