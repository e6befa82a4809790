"""Which third-party application gets which scopes at which resource: one policy for each pair."""

from __future__ import annotations

from descope_mcp.sandbox.applications.third_party_apps import THIRD_PARTY_APPS
from descope_mcp.sandbox.engine import versions
from descope_mcp.sandbox.engine.errors import (
    NO_RESOURCE,
    NO_RESOURCE_POLICY,
    NO_THIRD_PARTY_APP,
    RESOURCE_POLICY_EXISTS,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, objects
from descope_mcp.sandbox.engine.nested_fields import whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register

#: What an update replaces.
EDITABLE: Record = {
    "userAccessScopes": [],
    "clientAccessScopes": [],
    "allUserScopes": False,
    "allClientScopes": False,
}

_PAIR = ("thirdPartyApplicationId", "resourceId")

POLICIES = register(
    Table(
        "resource_policies",
        "RP",
        missing=NO_RESOURCE_POLICY,
        unique=(Unique(_PAIR, RESOURCE_POLICY_EXISTS),),
        references=(
            Reference(
                "thirdPartyApplicationId",
                "third_party_apps",
                unknown=NO_THIRD_PARTY_APP,
                on_delete="cascade",
            ),
            Reference("resourceId", "resources", unknown=NO_RESOURCE, on_delete="cascade"),
        ),
    )
)


@handles("CreateResourcePolicy", required=_PAIR)
def create_resource_policy(state: State, arguments: Arguments) -> Answer:
    """A policy for a pair that has none."""
    return {"resourcePolicy": _create(state, arguments)}


@handles("BatchCreateResourcePolicies", required=["policies[]"])
def create_resource_policies(state: State, arguments: Arguments) -> Answer:
    """New policies; one that cannot be made stops all of them."""
    policies = objects(arguments, "policies")
    for policy in policies:
        require(policy, *_PAIR)
    return {"resourcePolicies": [_create(state, policy) for policy in policies]}


def _create(state: State, arguments: Arguments) -> Record:
    pair = {name: arguments[name] for name in _PAIR}
    fields = {**pair, **whole(EDITABLE, arguments), **versions.first(state)}
    policy = state.add(POLICIES, fields)
    _record(state, "ResourcePolicyCreated", policy)
    return _view(policy)


@handles("UpdateResourcePolicy", required=_PAIR)
def update_resource_policy(state: State, arguments: Arguments) -> Answer:
    """Replace the policy of a pair; what is left out is cleared."""
    policy = _policy(state, arguments)
    fields = {**whole(EDITABLE, arguments), **versions.following(state, policy, arguments)}
    policy = state.change(POLICIES, policy, fields)
    _record(state, "ResourcePolicyModified", policy)
    return {"resourcePolicy": _view(policy)}


@handles("LoadResourcePoliciesByApp", required=["thirdPartyApplicationId"])
def load_resource_policies(state: State, arguments: Arguments) -> Answer:
    """Every policy of one application."""
    app = state.get(THIRD_PARTY_APPS, arguments["thirdPartyApplicationId"])
    found = state.all(POLICIES, thirdPartyApplicationId=app["id"])
    return {"resourcePolicies": [_view(policy) for policy in found]}


@handles("DeleteResourcePolicy", required=_PAIR)
def delete_resource_policy(state: State, arguments: Arguments) -> Answer:
    """Take an application's access to a resource away."""
    _delete(state, arguments)
    return None


@handles("BatchDeleteResourcePolicies", required=["policies[]"])
def delete_resource_policies(state: State, arguments: Arguments) -> Answer:
    """Take access away; a pair without a policy stops all of them."""
    for pair in objects(arguments, "policies"):
        require(pair, *_PAIR)
        _delete(state, pair)
    return None


def _delete(state: State, arguments: Arguments) -> None:
    policy = state.delete(POLICIES, _policy(state, arguments)["id"])
    _record(state, "ResourcePolicyDeleted", policy)


def _policy(state: State, arguments: Arguments) -> Record:
    policy = state.find(POLICIES, **{name: arguments[name] for name in _PAIR})
    if policy is None:
        raise DescopeError(NO_RESOURCE_POLICY)
    return policy


def _view(policy: Record) -> Record:
    """A policy as answers show it: its pair is what names it."""
    return {name: value for name, value in policy.items() if name != "id"}


def _record(state: State, action: str, policy: Record) -> None:
    state.record(action, data={name: policy[name] for name in _PAIR})
