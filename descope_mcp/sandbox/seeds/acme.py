"""A small believable organisation to work on: Acme, a company that sells software to others.

Times lie before now, so that the organisation looks the same age whenever it is made.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import PROJECTS, Caller, State
from descope_mcp.sandbox.seeds import apps
from descope_mcp.sandbox.seeds.authorization import add_authorization
from descope_mcp.sandbox.seeds.console import add_console
from descope_mcp.sandbox.seeds.flows import add_flows
from descope_mcp.sandbox.seeds.identity import add_identity
from descope_mcp.sandbox.seeds.new_project import DAY, at, call, memberships, new_project
from descope_mcp.sandbox.users.tables import CREDENTIALS, USERS

PERMISSIONS = {
    "projects.read": "See projects",
    "projects.write": "Create and change projects",
    "projects.delete": "Delete projects",
    "reports.read": "See reports",
    "reports.export": "Export reports",
    "billing.read": "See invoices",
    "billing.write": "Change plan and payment",
    "tickets.read": "See support tickets",
    "tickets.write": "Answer support tickets",
}

#: name, description, permissions, tenant
ROLES: list[tuple[str, str, list[str], str]] = [
    ("Owner", "Everything", list(PERMISSIONS), ""),
    ("Editor", "Works on projects", ["projects.read", "projects.write", "reports.read"], ""),
    ("Viewer", "Looks at projects and reports", ["projects.read", "reports.read"], ""),
    ("Billing", "Pays", ["billing.read", "billing.write"], ""),
    ("Support Agent", "Acme's own support", ["tickets.read", "tickets.write"], ""),
    ("Analyst", "Reads and exports reports", ["reports.read", "reports.export"], "globex"),
    ("Auditor", "Reads everything for the audit", ["projects.read", "billing.read"], "initech"),
]

#: id, name, domains, parent, attributes
TENANTS: list[tuple[str, str, list[str], str, Record]] = [
    ("globex", "Globex Corporation", ["globex.example"], "", {"plan": "enterprise"}),
    ("initech", "Initech", ["initech.example"], "", {"plan": "business"}),
    ("umbra", "Umbra Labs", [], "", {"plan": "trial"}),
    ("globex-emea", "Globex EMEA", [], "globex", {"plan": "enterprise"}),
]

ATTRIBUTES = {"department": "Department", "plan": "Plan", "crmId": "CRM id"}

#: name, login id's domain, project roles, {tenant: roles}, status, attributes
People = tuple[str, str, list[str], dict[str, list[str]], str, Record]

PEOPLE: list[People] = [
    ("Ada Okafor", "acme", ["Owner"], {}, "enabled", {"department": "Management"}),
    ("Ben Carter", "acme", ["Support Agent"], {}, "enabled", {"department": "Support"}),
    ("Chloe Martin", "acme", ["Support Agent", "Viewer"], {}, "enabled", {"department": "Support"}),
    ("Daniel Weiss", "acme", ["Billing"], {}, "enabled", {"department": "Finance"}),
    ("Elif Demir", "acme", ["Editor"], {}, "disabled", {"department": "Product"}),
    ("Farid Haddad", "globex", [], {"globex": ["Tenant Admin", "Owner"]}, "enabled", {}),
    ("Grace Kim", "globex", [], {"globex": ["Editor"]}, "enabled", {"department": "Research"}),
    ("Hugo Silva", "globex", [], {"globex": ["Analyst"]}, "enabled", {"department": "Finance"}),
    ("Ines Costa", "globex", [], {"globex": ["Viewer"]}, "enabled", {"department": "Sales"}),
    ("Jonas Berg", "globex", [], {"globex": ["Viewer", "Billing"]}, "disabled", {}),
    ("Kaori Sato", "globex", [], {"globex": ["Editor"], "globex-emea": ["Owner"]}, "enabled", {}),
    ("Liam Walsh", "globex", [], {"globex-emea": ["Editor"]}, "enabled", {"department": "Sales"}),
    ("Mina Rossi", "globex", [], {"globex-emea": ["Viewer"]}, "invited", {}),
    ("Noah Novak", "initech", [], {"initech": ["Tenant Admin"]}, "enabled", {}),
    ("Olga Petrova", "initech", [], {"initech": ["Editor"]}, "enabled", {"department": "QA"}),
    ("Pablo Ruiz", "initech", [], {"initech": ["Auditor"]}, "enabled", {"department": "Finance"}),
    ("Quinn Murphy", "initech", [], {"initech": ["Viewer"]}, "enabled", {}),
    ("Rania Saleh", "initech", [], {"initech": ["Viewer"]}, "invited", {}),
    ("Sven Larsen", "initech", [], {"initech": ["Billing"], "umbra": ["Viewer"]}, "enabled", {}),
    ("Tara Singh", "umbra", [], {"umbra": ["Tenant Admin"]}, "enabled", {"crmId": "U-1001"}),
    ("Umar Diallo", "umbra", [], {"umbra": ["Editor"]}, "enabled", {}),
    ("Vera Lindt", "umbra", [], {"umbra": ["Viewer"]}, "invited", {}),
    ("Wei Zhang", "contractor", ["Viewer"], {}, "enabled", {"department": "Product"}),
    ("Xenia Popova", "contractor", [], {}, "disabled", {}),
]

#: name, description, project roles, {tenant: roles}, active
KEYS: list[tuple[str, str, list[str], dict[str, list[str]], bool]] = [
    ("ci-deploy", "Pipeline of Acme", ["Editor"], {}, True),
    ("report-export", "Nightly export", ["Viewer"], {"globex": ["Analyst"]}, True),
    ("globex-scim", "User provisioning of Globex", [], {"globex": ["Tenant Admin"]}, True),
    ("initech-sync", "Project sync of Initech", [], {"initech": ["Editor"]}, True),
    ("legacy-integration", "Replaced in spring", ["Owner"], {}, False),
]


def acme(
    *, seed: int = 1, keys: int | None = None, clock: Callable[[], float] = time.time
) -> State:
    """The project "Acme Production", with tenants, roles, users, keys and a history."""
    now = clock()
    state = new_project("Acme Production", seed=seed, keys=keys, clock=lambda: now - 400 * DAY)
    production = {"environment": "production", "tag": "production"}
    state.change(PROJECTS, state.project, production)
    with state.calling(Caller(actor=state.management_key_id, address="198.51.100.7")):
        _fill(state, now)
    state.clock = clock
    return state


def _fill(state: State, now: float) -> None:
    for name, description in PERMISSIONS.items():
        call(state, "CreatePermission", name=name, description=description)
    for tenant_id, name, domains, parent, attributes in TENANTS:
        call(
            state,
            "CreateTenant",
            id=tenant_id,
            name=name,
            selfProvisioningDomains=domains,
            parent=parent,
            customAttributes=attributes,
        )
    for name, description, permissions, tenant_id in ROLES:
        call(
            state,
            "CreateRole",
            name=name,
            description=description,
            permissionNames=permissions,
            tenantId=tenant_id,
        )
    call(state, "UpdateTenantDefaultRoles", id="globex", defaultRoles=["Viewer"])
    definitions = [{"name": n, "type": 1, "displayName": d} for n, d in ATTRIBUTES.items()]
    call(state, "CreateUserCustomAttribute", attributes=definitions)
    for index, person in enumerate(PEOPLE):
        # One of them joins every fortnight, so sorting and searching by time show something.
        state.clock = at(now - (380 - 14 * index) * DAY)
        call(state, "CreateUser", **_user(person, index))
    call(state, "CreateTestUser", loginId="qa@acme.example", name="QA Robot", status="enabled")
    _give_credentials(state)
    for name, description, role_names, in_tenants, active in KEYS:
        key = call(
            state,
            "CreateAccessKey",
            name=name,
            description=description,
            roleNames=role_names,
            keyTenants=memberships(in_tenants),
        )
        if not active:
            call(state, "DeactivateAccessKey", id=key["key"]["id"])
    add_authorization(state)
    add_console(state)
    add_flows(state)
    add_identity(state)
    apps.fill(state)
    _add_sign_ins(state, now)


def _user(person: People, index: int) -> Record:
    name, domain, role_names, in_tenants, status, attributes = person
    email = f"{name.lower().replace(' ', '.')}@{domain}.example"
    given, family = name.split(" ")
    return {
        "loginId": email,
        "email": email,
        "verifiedEmail": status != "invited",
        "name": name,
        "givenName": given,
        "familyName": family,
        "phone": f"+1555010{index:04d}" if index % 3 == 0 else "",
        "verifiedPhone": index % 3 == 0,
        "roleNames": role_names,
        "userTenants": memberships(in_tenants),
        "status": status,
        "customAttributes": attributes,
        "password": f"acme-{index}" if status == "enabled" else "",
    }


def _give_credentials(state: State) -> None:
    """A second factor, a passkey and a trusted device for some of those who are active."""
    active = state.all(USERS, status="enabled", test=False)
    for index, user in enumerate(active):
        seed = base64.b32encode(state.secrets.randbytes(20)).decode()
        own: Record = {"totp": seed if index % 4 == 0 else ""}
        if index % 3 == 0:
            passkey = {"id": state.new_secret(22), "rpId": "acme.example", "kind": "passkey"}
            shown = {"displayName": "MacBook", "createdTime": user["createdTime"]}
            own["passkeys"] = [passkey | shown]
        if index % 5 == 0:
            own["devices"] = [
                {
                    "id": state.new_id("D"),
                    "name": "Chrome on Windows",
                    "deviceType": "desktop",
                    "userId": user["userId"],
                    "lastLoginTime": str(state.now()),
                    "expirationTime": str(state.now() + 90 * DAY),
                    "lastLocation": "Lisbon, PT",
                    "isCurrentDevice": False,
                }
            ]
        state.change(CREDENTIALS, state.get(CREDENTIALS, user["userId"]), own)


def _add_sign_ins(state: State, now: float) -> None:
    """Sign-ins of the last days, so that the audit trail has something to find."""
    people = state.all(USERS, test=False)
    for index, user in enumerate(people):
        state.clock = at(now - (len(people) - index) * DAY / 2)
        action = "LoginSucceed" if user["status"] == "enabled" else "LoginFailed"
        by_user = {"method": "password", "actorId": user["userId"], "geo": "PT"}
        state.record(action, user=user, **by_user, remoteAddress=f"203.0.113.{index + 1}")
