"""A vendor with many customers: 40 tenants and 2,000 users, to see how things do at that size.

Names, roles and dates are dealt out by counting, so every run gives the same organisation.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from descope_mcp.sandbox.applications import third_party_consents
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import PROJECTS, Caller, State
from descope_mcp.sandbox.seeds.new_project import DAY, at, call, memberships, new_project

TENANTS = 40
USERS = 2000


def _words(text: str) -> list[str]:
    return text.split()


GIVEN = _words(
    """
    Aisha Alice Amara Andrei Anika Bruno Carla Chen Dana Diego Elena Emeka Eva Felix Fatima Gita
    Goran Hana Henry Ines Ivan Jade Jamal Julia Kenji Lara Leo Lina Lucas Maria Mateo Maya Milan
    Nadia Nils Noor Olga Omar Paula Pedro Priya Rafael Rosa Samir Sara Tomas Uma Victor Wen Yara
    """
)
FAMILY = _words(
    """
    Abreu Adeyemi Andersen Bauer Becker Cohen Dubois Eriksen Ferrari Fischer Garcia Gupta Hansen
    Hoffman Ito Jansen Kaya Keller Khan Kowalski Larsen Lopez Mensah Moreau Morris Nair Nguyen
    Novak Okoye Ortiz Park Petrov Reyes Rossi Schmidt Silva Tanaka Varga Weber Yilmaz
    """
)
FIRMS = _words(
    """
    Alder Amber Basalt Beacon Birch Cedar Cobalt Coral Delta Ember Fathom Garnet Harbor Indigo
    Juniper Kestrel Lark Meridian Nimbus Onyx
    """
)
TRADES = ("Logistics", "Health")
PLANS = ("trial", "business", "business", "enterprise")
DEPARTMENTS = ("Engineering", "Finance", "Operations", "Sales", "Support")

LOGIN_PAGE = "https://auth.tradewind.example/sign-in"

PERMISSIONS = {
    "orders.read": "See orders",
    "orders.write": "Create and change orders",
    "orders.approve": "Approve orders",
    "stock.read": "See the stock",
    "stock.write": "Change the stock",
    "invoices.read": "See invoices",
    "invoices.write": "Issue invoices",
    "members.invite": "Invite colleagues",
    "api.use": "Call the API",
}
#: name, description, permissions
ROLES = (
    ("Account Owner", "Everything in the account", list(PERMISSIONS)),
    ("Manager", "Runs a team", ["orders.read", "orders.write", "orders.approve", "stock.read"]),
    ("Clerk", "Enters orders", ["orders.read", "orders.write"]),
    ("Accountant", "Handles invoices", ["invoices.read", "invoices.write"]),
    ("Guest", "Looks around", ["orders.read", "stock.read"]),
)
#: Of ten members of a tenant, who has which role.
_DEALT = ("Manager", *["Clerk"] * 5, "Accountant", *["Guest"] * 3)


def b2b(*, seed: int = 2, keys: int | None = None, clock: Callable[[], float] = time.time) -> State:
    """The project "Tradewind", with customers of all sizes."""
    now = clock()
    state = new_project("Tradewind", seed=seed, keys=keys, clock=at(now - 700 * DAY))
    state.change(PROJECTS, state.project, {"environment": "production", "tag": "production"})
    with state.calling(Caller(actor=state.management_key_id, address="198.51.100.20")):
        for name, description in PERMISSIONS.items():
            call(state, "CreatePermission", name=name, description=description)
        for name, description, permissions in ROLES:
            named = {"name": name, "description": description}
            call(state, "CreateRole", **named, permissionNames=permissions)
        texts = [{"name": name, "type": 1} for name in ("department", "plan", "employeeNumber")]
        call(state, "CreateUserCustomAttribute", attributes=texts)
        _add_applications(state)
        tenants = [_tenant(state, index) for index in range(TENANTS)]
        for index in range(USERS):
            state.clock = at(now - (690 - 690 * index / USERS) * DAY)
            call(state, "CreateUser", **_user(index, tenants))
        for tenant in tenants[::4]:
            held = memberships({tenant: ["Account Owner"]})
            call(state, "CreateAccessKey", name=f"{tenant}-sync", keyTenants=held)
        _add_partner(state, tenants)
    state.clock = clock
    return state


def _add_applications(state: State) -> None:
    """What the customers sign in to with their Tradewind accounts."""
    for name in ("Order Desk", "Customs Portal"):
        app_id = name.lower().replace(" ", "-")
        named = {"id": app_id, "name": name, "enabled": True, "loginPageUrl": LOGIN_PAGE}
        call(state, "CreateSSOOIDCApplication", **named)
    url = "https://tracking.example"
    call(
        state,
        "CreateSSOSAMLApplication",
        id="tracking",
        name="Tracking",
        enabled=True,
        entityId=f"{url}/saml",
        acsUrl=f"{url}/saml/acs",
        certificate="sandbox-certificate",
    )


def _add_partner(state: State, tenants: list[str]) -> None:
    """What some customers let act for them, and are connected to."""
    partner = call(
        state,
        "CreateThirdPartyApplication",
        name="Freight Planner",
        loginPageUrl=LOGIN_PAGE,
        approvedCallbackUrls=["https://planner.example/callback"],
        permissionsScopes=[{"name": "orders.read", "values": ["Clerk"]}],
    )
    for tenant in tenants[::5]:
        third_party_consents.grant(state, partner["id"], ["orders.read"], tenant_id=tenant)
    call(state, "CreateOutboundApp", id="ledger", name="Ledger", appType="apikey")
    for tenant in tenants[::10]:
        secret = {"tenantId": tenant, "apiKey": state.new_secret(32)}
        call(state, "UploadOutboundAppTenantAPIKey", appId="ledger", **secret)


def _tenant(state: State, index: int) -> str:
    name, tenant_id = _firm(index), _id(index)
    call(
        state,
        "CreateTenant",
        id=tenant_id,
        name=name,
        selfProvisioningDomains=[f"{tenant_id}.example"] if index % 2 else [],
        # Every tenth belongs to the one before it.
        parent=_id(index - 1) if index % 10 == 9 else "",
        customAttributes={"plan": PLANS[index % len(PLANS)]},
        federatedAppIds=["tracking"] if index % 8 == 0 else [],
    )
    if index % 8 == 0:
        role = {"name": "Regional Lead", "permissionNames": ["orders.approve", "members.invite"]}
        call(state, "CreateRole", **role, tenantId=tenant_id)
    return tenant_id


def _firm(index: int) -> str:
    return f"{FIRMS[index % len(FIRMS)]} {TRADES[index // len(FIRMS)]}"


def _id(index: int) -> str:
    return _firm(index).lower().replace(" ", "-")


def _user(index: int, tenants: list[str]) -> Record:
    given, family = GIVEN[index % len(GIVEN)], FAMILY[index // len(GIVEN)]
    # The customers are of different sizes: the square of a share makes the first ones large.
    share = index * 7919 % USERS / USERS
    tenant = tenants[int(share * share * len(tenants))]
    role = "Account Owner" if index < len(tenants) else _DEALT[index % len(_DEALT)]
    held = {tenants[index] if index < len(tenants) else tenant: [role]}
    email = f"{given}.{family}@{tenant}.example".lower()
    status = "invited" if index % 13 == 0 else "disabled" if index % 29 == 0 else "enabled"
    return {
        "loginId": email,
        "email": email,
        "verifiedEmail": status == "enabled",
        "name": f"{given} {family}",
        "givenName": given,
        "familyName": family,
        "phone": f"+1555{index:07d}" if index % 5 == 0 else "",
        "userTenants": memberships(held),
        "status": status,
        "customAttributes": {
            "department": DEPARTMENTS[index % len(DEPARTMENTS)],
            "employeeNumber": str(10_000 + index),
        },
    }
