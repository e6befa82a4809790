"""Authorization data of the sample organisation: documents in folders, and groups of users."""

from __future__ import annotations

from descope_mcp.sandbox.authorization.relations import create_fga_relations
from descope_mcp.sandbox.authorization.resources import save_resources_details
from descope_mcp.sandbox.authorization.schema import create_fga_schema
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.users.lookup import by_login_id

SCHEMA = """\
model AuthZ 1.0

constraint office_hours:NumRange(8, 18)

type user

type group
  relation member: user

type folder
  relation parent: folder
  relation owner: user
  relation editor: user | group#member
  relation viewer: user | group#member

  permission can_edit: owner | editor | parent.can_edit
  permission can_view: viewer | can_edit | parent.can_view

type doc
  relation parent: folder
  relation owner: user
  relation viewer: user | group#member
  relation blocked: user

  permission can_edit: owner | parent.can_edit
  permission can_view: (viewer | can_edit | parent.can_view) - blocked
  permission can_print: can_view with office_hours
"""

#: resource, its type, relation, target, its type. A user is named by login id.
RELATIONS = [
    ("research", "group", "member", "grace.kim@globex.example", "user"),
    ("research", "group", "member", "hugo.silva@globex.example", "user"),
    ("finance", "group", "member", "daniel.weiss@acme.example", "user"),
    ("company", "folder", "owner", "ada.okafor@acme.example", "user"),
    ("reports", "folder", "parent", "company", "folder"),
    ("reports", "folder", "viewer", "finance", "group#member"),
    ("projects", "folder", "parent", "company", "folder"),
    ("projects", "folder", "editor", "research", "group#member"),
    ("annual-report", "doc", "parent", "reports", "folder"),
    ("roadmap", "doc", "parent", "projects", "folder"),
    ("roadmap", "doc", "viewer", "ines.costa@globex.example", "user"),
    ("roadmap", "doc", "blocked", "hugo.silva@globex.example", "user"),
    ("payroll", "doc", "owner", "daniel.weiss@acme.example", "user"),
]

NAMES = {
    ("folder", "company"): "Company",
    ("folder", "reports"): "Reports",
    ("folder", "projects"): "Projects",
    ("doc", "annual-report"): "Annual report",
    ("doc", "roadmap"): "Roadmap",
    ("doc", "payroll"): "Payroll",
}


def add_authorization(state: State) -> None:
    """Add the schema, its relations and the names of the resources."""
    create_fga_schema(state, {"dsl": SCHEMA})
    tuples = [
        {
            "resource": resource,
            "resourceType": kind,
            "relation": relation,
            "target": by_login_id(state, target)["userId"] if of == "user" else target,
            "targetType": of,
        }
        for resource, kind, relation, target, of in RELATIONS
    ]
    create_fga_relations(state, {"tuples": tuples})
    details = [
        {"resourceId": resource, "resourceType": kind, "displayName": name}
        for (kind, resource), name in NAMES.items()
    ]
    save_resources_details(state, {"resourcesDetails": details})
