"""The operations that change one thing of a user: a field, a login id, roles, tenants, apps.

Their ``loginId`` takes a user id as well.
"""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import INVALID, USER_EXISTS, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, integer, one_of, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.custom_attributes import USER_ATTRIBUTES
from descope_mcp.sandbox.users.handlers import STATUSES, phone_number, renamed, touched
from descope_mcp.sandbox.users.lookup import by_identifier
from descope_mcp.sandbox.users.tables import USERS

_NAMES: Record = {"name": "", "givenName": "", "middleName": "", "familyName": ""}


@handles("UpdateUserStatus", required=["loginId", "status"])
def update_status(state: State, arguments: Arguments) -> Answer:
    """Enable, disable or reset to invited."""
    user = by_identifier(state, arguments["loginId"])
    return touched(state, user, status=one_of("status", arguments["status"], STATUSES))


@handles("UpdateUserDisplayName", required=["loginId"])
def update_display_name(state: State, arguments: Arguments) -> Answer:
    """Set all four name parts; those that are left out are cleared."""
    user = by_identifier(state, arguments["loginId"])
    return touched(state, user, **fill(_NAMES, renamed(arguments)))


@handles("UpdateUserPicture", required=["loginId"])
def update_picture(state: State, arguments: Arguments) -> Answer:
    """Set the picture's address; an empty one removes it."""
    user = by_identifier(state, arguments["loginId"])
    return touched(state, user, **fill({"picture": ""}, arguments))


@handles("UpdateUserImpersonationConsent", required=["loginId"])
def update_impersonation_consent(state: State, arguments: Arguments) -> Answer:
    """Set until when the user may be impersonated, in epoch seconds."""
    user = by_identifier(state, arguments["loginId"])
    until = integer(arguments, "impersonationConsent")
    return touched(state, user, consentExpiration=until)


@handles("UpdateUserEmail", required=["loginId"])
def update_email(state: State, arguments: Arguments) -> Answer:
    """Set the email address and whether it is verified."""
    return _set_contact(state, arguments, "email", "verifiedEmail")


@handles("UpdateUserPhone", required=["loginId"])
def update_phone(state: State, arguments: Arguments) -> Answer:
    """Set the phone number and whether it is verified."""
    return _set_contact(state, arguments, "phone", "verifiedPhone")


@handles("UpdateUserRecoveryEmail", required=["loginId"])
def update_recovery_email(state: State, arguments: Arguments) -> Answer:
    """Set the recovery email address and whether it is verified."""
    return _set_contact(state, arguments, "recoveryEmail", "verifiedRecoveryEmail")


@handles("UpdateUserRecoveryPhone", required=["loginId"])
def update_recovery_phone(state: State, arguments: Arguments) -> Answer:
    """Set the recovery phone number and whether it is verified."""
    return _set_contact(state, arguments, "recoveryPhone", "verifiedRecoveryPhone")


def _set_contact(state: State, arguments: Arguments, field: str, verified_field: str) -> Answer:
    """Set an address and whether it is verified; an empty one is removed."""
    user = by_identifier(state, arguments["loginId"])
    asked = fill({field: "", "verified": False, "failOnConflict": False}, arguments)
    value = phone_number(asked[field]) if "hone" in field else asked[field]
    holders = state.all(USERS, **{field: value}) if value and asked["failOnConflict"] else []
    if any(other is not user for other in holders):
        raise DescopeError(USER_EXISTS, f"Another user has this {field}")
    verified = bool(value) and asked["verified"]
    return touched(state, user, **{field: value, verified_field: verified})


@handles("UpdateUserLoginID", required=["loginId"])
def update_login_id(state: State, arguments: Arguments) -> Answer:
    """Change a login id, or remove it if the new one is empty; the last one stays."""
    user = by_identifier(state, arguments["loginId"])
    new = fill({"newLoginId": ""}, arguments)["newLoginId"]
    # A user id names the user but no login id: then the first one is meant.
    own = user["loginIds"]
    old = arguments["loginId"] if arguments["loginId"] in own else own[0]
    login_ids = distinct(new if i == old else i for i in own)
    if not login_ids:
        raise DescopeError(INVALID, "The only login id of a user cannot be removed")
    return touched(state, user, loginIds=login_ids)


@handles("UpdateUserCustomAttribute", required=["loginId", "attributeKey"])
def update_custom_attribute(state: State, arguments: Arguments) -> Answer:
    """Set one attribute, which the project must have; null removes the value."""
    user = by_identifier(state, arguments["loginId"])
    key, value = arguments["attributeKey"], arguments.get("attributeValue")
    if state.find(USER_ATTRIBUTES, name=key) is None:
        raise DescopeError(INVALID, f"Custom attribute not found: {key}")
    kept = {k: v for k, v in user["customAttributes"].items() if k != key}
    new = kept if value is None else {**kept, key: value}
    return touched(state, user, customAttributes=new)


@handles("UpdateUserAddTenant", required=["loginId", "tenantId"])
def add_tenant(state: State, arguments: Arguments) -> Answer:
    """Make the user a member, without roles; a member stays as they are."""
    user = by_identifier(state, arguments["loginId"])
    return touched(state, user, userTenants=_joined(user, arguments["tenantId"]))


@handles("UpdateUserRemoveTenant", required=["loginId", "tenantId"])
def remove_tenant(state: State, arguments: Arguments) -> Answer:
    """End a membership, which must be there, with its roles."""
    user = by_identifier(state, arguments["loginId"])
    tenant_id = state.get(TENANTS, arguments["tenantId"])["id"]
    gone = entitlements.membership(user["userTenants"], tenant_id)
    return touched(state, user, userTenants=[m for m in user["userTenants"] if m is not gone])


@handles("UpdateUserAddRoles", required=["loginId", "roleNames[]"])
def add_roles(state: State, arguments: Arguments) -> Answer:
    """Give roles; in a tenant the user is not in yet, that makes them a member."""
    user = by_identifier(state, arguments["loginId"])
    tenant_id, names = _tenant_id(arguments), strings(arguments, "roleNames")
    if not tenant_id:
        return touched(state, user, roleNames=distinct([*user["roleNames"], *names]))
    memberships = _joined(user, tenant_id)
    own = entitlements.membership(memberships, tenant_id)["roleNames"]
    return touched(state, user, userTenants=_with_roles(memberships, tenant_id, [*own, *names]))


@handles("UpdateUserAddRolesV1", required=["loginId", "roleNames[]"])
def add_roles_v1(state: State, arguments: Arguments) -> Answer:
    """As `add_roles`, but only in a tenant that the user is in."""
    user = by_identifier(state, arguments["loginId"])
    _holder(user, _tenant_id(arguments))
    return add_roles(state, arguments)


@handles("UpdateUserSetRoles", required=["loginId"])
def set_roles(state: State, arguments: Arguments) -> Answer:
    """Replace the roles in the project or in one tenant."""
    user = by_identifier(state, arguments["loginId"])
    tenant_id = _tenant_id(arguments)
    _holder(user, tenant_id)
    return _give(state, user, tenant_id, strings(arguments, "roleNames"))


@handles("UpdateUserRemoveRoles", required=["loginId", "roleNames[]"])
def remove_roles(state: State, arguments: Arguments) -> Answer:
    """Take roles away; those the user does not have are passed over."""
    user = by_identifier(state, arguments["loginId"])
    tenant_id, gone = _tenant_id(arguments), strings(arguments, "roleNames")
    own = _holder(user, tenant_id)["roleNames"]
    return _give(state, user, tenant_id, [name for name in own if name not in gone])


@handles("UpdateUserAddSSOApps", required=["loginId", "ssoAppIds[]"])
def add_sso_apps(state: State, arguments: Arguments) -> Answer:
    """Assign applications."""
    user = by_identifier(state, arguments["loginId"])
    app_ids = distinct([*user["ssoAppIds"], *strings(arguments, "ssoAppIds")])
    return touched(state, user, ssoAppIds=app_ids)


@handles("UpdateUserSetSSOApps", required=["loginId"])
def set_sso_apps(state: State, arguments: Arguments) -> Answer:
    """Replace the assigned applications."""
    user = by_identifier(state, arguments["loginId"])
    return touched(state, user, ssoAppIds=strings(arguments, "ssoAppIds"))


@handles("UpdateUserRemoveSSOApps", required=["loginId", "ssoAppIds[]"])
def remove_sso_apps(state: State, arguments: Arguments) -> Answer:
    """Take applications away."""
    user = by_identifier(state, arguments["loginId"])
    gone = strings(arguments, "ssoAppIds")
    kept = [app_id for app_id in user["ssoAppIds"] if app_id not in gone]
    return touched(state, user, ssoAppIds=kept)


def _tenant_id(arguments: Arguments) -> str:
    return str(fill({"tenantId": ""}, arguments)["tenantId"])


def _holder(user: Record, tenant_id: str) -> Record:
    """Where the roles are: the user itself, or its membership, which must be there."""
    return entitlements.membership(user["userTenants"], tenant_id) if tenant_id else user


def _give(state: State, user: Record, tenant_id: str, names: list[str]) -> Answer:
    """Make these the user's roles in the project or in a tenant."""
    if not tenant_id:
        return touched(state, user, roleNames=distinct(names))
    memberships = user["userTenants"]
    return touched(state, user, userTenants=_with_roles(memberships, tenant_id, names))


def _with_roles(memberships: list[Record], tenant_id: str, names: list[str]) -> list[Record]:
    """The memberships, with these roles in one tenant."""
    new = {"tenantId": tenant_id, "roleNames": distinct(names)}
    return [new if m["tenantId"] == tenant_id else m for m in memberships]


def _joined(user: Record, tenant_id: str) -> list[Record]:
    """The user's memberships with one in the tenant, without roles if it is new."""
    own: list[Record] = user["userTenants"]
    if any(item["tenantId"] == tenant_id for item in own):
        return own
    return [*own, {"tenantId": tenant_id, "roleNames": []}]
