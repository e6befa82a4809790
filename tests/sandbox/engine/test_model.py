"""Users, tenants and roles against a model of a few sets, whatever is done in any order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.engine.rows import Rows
from descope_mcp.sandbox.engine.state import Caller
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.seeds.new_project import new_project

#: Few names, so that they meet each other.
names = st.sampled_from(["a", "b", "c"])
tenant_ids = st.sampled_from(["s", "t"])
scopes = st.sampled_from(["", "s", "t"])
logins = st.sampled_from(["u", "v", "w"])
name_lists = st.lists(names, max_size=2, unique=True)

Roles = dict[str, None]


def ordered(items: list[str]) -> Roles:
    return dict.fromkeys(items)


class Directory(RuleBasedStateMachine):
    """Every rule does the same to the sandbox and to the model, which says whether it may work.

    In the model a user is its roles by scope: "" is the project, the others are memberships.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = new_project()
        self.tenants: set[str] = set()
        self.roles: set[tuple[str, str]] = set()
        self.users: dict[str, dict[str, Roles]] = {}
        # Something to begin with, so that most of what is done meets something.
        for tenant in ("s", "t"):
            self.create_tenant(tenant, "")
        for name, scope in (("a", ""), ("b", ""), ("a", "s"), ("c", "t")):
            self.create_role(name, scope)
        for login, tenant in (("u", "s"), ("v", "t")):
            self.create_user(login, ["a"], tenant, ["a", "b"])
        self.add_roles("u", "t", ["a"])

    def call(self, works: bool, operation: str, **arguments: Any) -> Any:
        """The answer of an operation that works exactly if the model says so."""
        try:
            with self.state.calling(Caller()):
                answer = HANDLERS[operation](self.state, arguments)
        except DescopeError as error:
            if works:
                raise AssertionError(f"{operation} {arguments}") from error
            return None
        assert works, f"{operation} {arguments} worked"
        return answer

    def means(self, name: str, scope: str) -> tuple[str, str] | None:
        """Which role a name means in a scope."""
        found = [(name, s) for s in (scope, "") if (name, s) in self.roles]
        return found[0] if found else None

    def known(self, wanted: list[str], scope: str) -> bool:
        return all(self.means(name, scope) for name in wanted)

    def replace(self, role: tuple[str, str], new: str | None) -> None:
        """Rename a role in everybody's, or take it away."""
        for user in self.users.values():
            for scope, held in user.items():
                if self.means(role[0], scope) == role:
                    after = [new if name == role[0] else name for name in held]
                    user[scope] = ordered([name for name in after if name])

    @rule(tenant=tenant_ids, parent=scopes)
    def create_tenant(self, tenant: str, parent: str) -> None:
        works = tenant not in self.tenants and (not parent or parent in self.tenants)
        self.call(works, "CreateTenant", id=tenant, name=tenant, parent=parent)
        if works:
            self.tenants.add(tenant)

    @rule(tenant=tenant_ids, cascade=st.booleans())
    def delete_tenant(self, tenant: str, cascade: bool) -> None:
        works = tenant in self.tenants
        self.call(works, "DeleteTenant", id=tenant, cascade=cascade)
        if not works:
            return
        self.tenants.remove(tenant)
        self.roles = {role for role in self.roles if role[1] != tenant}
        for login, user in list(self.users.items()):
            left = user.pop(tenant, None) is not None
            if cascade and left and user.keys() == {""}:
                del self.users[login]

    @rule(name=names, scope=scopes)
    def create_role(self, name: str, scope: str) -> None:
        works = (name, scope) not in self.roles and (not scope or scope in self.tenants)
        self.call(works, "CreateRole", name=name, tenantId=scope)
        if works:
            self.roles.add((name, scope))

    @rule(name=names, scope=scopes, new=names)
    def rename_role(self, name: str, scope: str, new: str) -> None:
        role = (name, scope)
        works = role in self.roles and (new == name or (new, scope) not in self.roles)
        self.call(works, "UpdateRole", name=name, tenantId=scope, newName=new)
        if works:
            self.replace(role, new)
            self.roles = {(new, scope) if r == role else r for r in self.roles}

    @rule(wanted=st.lists(names, min_size=1, max_size=2, unique=True), scope=scopes)
    def delete_roles(self, wanted: list[str], scope: str) -> None:
        works = all((name, scope) in self.roles for name in wanted)
        self.call(works, "DeleteRoles", roleNames=wanted, tenantId=scope)
        for name in wanted if works else []:
            self.replace((name, scope), None)
            self.roles.remove((name, scope))

    @rule(login=logins, held=name_lists, tenant=scopes, in_tenant=name_lists)
    def create_user(self, login: str, held: list[str], tenant: str, in_tenant: list[str]) -> None:
        memberships = [{"tenantId": tenant, "roleNames": in_tenant}] if tenant else []
        works = login not in self.users and self.known(held, "")
        works = works and (not tenant or (tenant in self.tenants and self.known(in_tenant, tenant)))
        self.call(works, "CreateUser", loginId=login, roleNames=held, userTenants=memberships)
        if works:
            self.users[login] = {"": ordered(held)}
            if tenant:
                self.users[login][tenant] = ordered(in_tenant)

    @rule(login=logins)
    def delete_user(self, login: str) -> None:
        self.call(login in self.users, "DeleteUser", loginId=login)
        self.users.pop(login, None)

    @rule(login=logins, new=logins)
    def change_login(self, login: str, new: str) -> None:
        works = login in self.users and (new == login or new not in self.users)
        self.call(works, "UpdateUserLoginID", loginId=login, newLoginId=new)
        if works:
            self.users = {new if name == login else name: u for name, u in self.users.items()}

    @rule(login=logins, tenant=tenant_ids)
    def leave(self, login: str, tenant: str) -> None:
        works = tenant in self.users.get(login, {})
        self.call(works, "UpdateUserRemoveTenant", loginId=login, tenantId=tenant)
        if works:
            del self.users[login][tenant]

    @rule(login=logins, scope=scopes, wanted=st.lists(names, min_size=1, max_size=2, unique=True))
    def add_roles(self, login: str, scope: str, wanted: list[str]) -> None:
        works = login in self.users and (not scope or scope in self.tenants)
        works = works and self.known(wanted, scope)
        self.call(works, "UpdateUserAddRoles", loginId=login, tenantId=scope, roleNames=wanted)
        if works:
            self.users[login].setdefault(scope, {}).update(ordered(wanted))

    @rule(login=logins, scope=scopes, wanted=name_lists)
    def set_roles(self, login: str, scope: str, wanted: list[str]) -> None:
        works = scope in self.users.get(login, {}) and self.known(wanted, scope)
        self.call(works, "UpdateUserSetRoles", loginId=login, tenantId=scope, roleNames=wanted)
        if works:
            self.users[login][scope] = ordered(wanted)

    @invariant()
    def shows_what_the_model_has(self) -> None:
        users = self.call(True, "SearchUsers")["users"]
        shown = {
            user["loginIds"][0]: {
                "": user["roleNames"],
                **{m["tenantId"]: m["roleNames"] for m in user["userTenants"]},
            }
            for user in users
        }
        model = {
            login: {scope: list(held) for scope, held in user.items()}
            for login, user in self.users.items()
        }
        assert shown == model
        roles = self.call(True, "LoadAllRoles")["roles"]
        assert {(r["name"], r["tenantId"]) for r in roles} == {*self.roles, ("Tenant Admin", "")}
        tenants = self.call(True, "LoadAllTenants")["tenants"]
        assert {t["id"] for t in tenants} == self.tenants

    @invariant()
    def indexes_are_those_of_the_records(self) -> None:
        for name, rows in self.state.rows.items():
            anew = Rows(TABLES[name])
            for key, record in rows.records.items():
                anew.put(key, record, rows.serials[key])
            assert anew.indexes == rows.indexes
            assert anew.texts == rows.texts


def run(examples: int, steps: int) -> None:
    case = Directory.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()


def test_the_directory_does_as_the_model() -> None:
    run(examples=20, steps=40)


@pytest.mark.campaign
def test_the_directory_does_as_the_model_for_long() -> None:
    run(examples=2000, steps=80)
