"""JWT templates: which claims the tokens of users and access keys carry.

One that is not valid is not saved. An update replaces everything but the id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID_JWT_TEMPLATE, NO_JWT_TEMPLATE, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.nested_fields import inner, partial, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.project.jwt_template_library import LIBRARY, OPTIONS

#: What create and update take, and what an empty field means.
EDITABLE: Record = {
    "name": "",
    "description": "",
    "template": {},
    "source": "",
    **OPTIONS,
}

ALLOWED = {
    "type": ("user", "key"),
    "authSchema": ("default", "tenantOnly", "none"),
    "emptyClaimPolicy": ("none", "nil", "delete"),
}

#: Claims that the service itself sets in every token.
RESERVED = ("iss", "sub", "iat", "exp")

JWT_TEMPLATES = register(Table("jwt_templates", "JT", missing=NO_JWT_TEMPLATE))


@handles("ListJwtTemplates")
def list_jwt_templates(state: State, arguments: Arguments) -> Answer:
    """Every template of the project."""
    return {"templates": state.all(JWT_TEMPLATES)}


@handles("LoadJwtTemplate", required=["id"])
def load_jwt_template(state: State, arguments: Arguments) -> Answer:
    """One template."""
    return {"template": state.get(JWT_TEMPLATES, arguments["id"])}


@handles("CreateJwtTemplate")
def create_jwt_template(state: State, arguments: Arguments) -> Answer:
    """A new template, which nothing refers to yet."""
    return _create(state, _read(inner(arguments, "template")))


@handles("UpdateJwtTemplate")
def update_jwt_template(state: State, arguments: Arguments) -> Answer:
    """Replace a template; what is left out is cleared."""
    given = inner(arguments, "template")
    require(given, "id")
    template = state.get(JWT_TEMPLATES, given["id"])
    template = state.change(JWT_TEMPLATES, template, _valid(_read(given)))
    _record(state, "JWTTemplateModified", template)
    return {"template": template}


@handles("DeleteJwtTemplate", required=["id"])
def delete_jwt_template(state: State, arguments: Arguments) -> Answer:
    """Delete a template; whatever refers to it falls back to the project's default."""
    _record(state, "JWTTemplateDeleted", state.delete(JWT_TEMPLATES, arguments["id"]))
    return None


@handles("ValidateJwtTemplate")
def validate_jwt_template(state: State, arguments: Arguments) -> Answer:
    """What is wrong with a template that is given, or with a saved one."""
    if arguments.get("template"):
        given = inner(arguments, "template")
    else:
        require(arguments, "id")
        given = state.get(JWT_TEMPLATES, arguments["id"])
    issues = list(_issues(_read(given)))
    return {"valid": not issues, "issues": issues}


@handles("ListJwtTemplateLibrary")
def list_jwt_template_library(state: State, arguments: Arguments) -> Answer:
    """Every ready-made template."""
    return {"entries": list(LIBRARY.values())}


@handles("LoadJwtTemplateLibraryEntry", required=["id"])
def load_jwt_template_library_entry(state: State, arguments: Arguments) -> Answer:
    """One ready-made template."""
    return {"entry": _entry(arguments["id"])}


@handles("ApplyJwtTemplateFromLibrary", required=["libraryEntryId"])
def apply_jwt_template(state: State, arguments: Arguments) -> Answer:
    """A new template as the library has it, but for the overrides."""
    entry = _entry(arguments["libraryEntryId"])
    overrides = partial(
        {
            "nameOverride": "",
            "descriptionOverride": "",
            "tagsOverride": [],
            "templateOverride": {},
        },
        arguments,
    )
    own = {name.removesuffix("Override"): value for name, value in overrides.items() if value}
    return _create(state, _read({**entry, **own, "source": entry["id"]}))


def _create(state: State, fields: Record) -> Answer:
    template = state.add(JWT_TEMPLATES, _valid(fields))
    _record(state, "JWTTemplateCreated", template)
    return {"template": template}


def _read(given: Mapping[str, Any]) -> Record:
    fields = whole(EDITABLE, given)
    return fields | {name: fields[name] or EDITABLE[name] for name in ALLOWED}


def _valid(fields: Record) -> Record:
    """`fields`, or an error that names every issue."""
    issues = list(_issues(fields))
    if issues:
        text = "; ".join(f"{issue['field']}: {issue['message']}" for issue in issues)
        raise DescopeError(INVALID_JWT_TEMPLATE, text)
    return fields


def _issues(fields: Record) -> Iterator[Record]:
    if not fields["name"]:
        yield _issue("name", "required", "A template needs a name", "Give it one")
    for field, allowed in ALLOWED.items():
        if fields[field] not in allowed:
            text = f"{fields[field]} is not one of {', '.join(allowed)}"
            yield _issue(field, "invalid_value", text, f"Use {allowed[0]}")
    for claim in RESERVED:
        if claim in fields["template"] and not (claim == "sub" and fields["overrideSubject"]):
            hint = "Set overrideSubject" if claim == "sub" else "Choose another name"
            text = f"The claim {claim} is reserved"
            yield _issue(f"template.{claim}", "reserved_claim", text, hint)


def _issue(field: str, code: str, message: str, hint: str) -> Record:
    return {"field": field, "code": code, "message": message, "hint": hint}


def _entry(entry_id: str) -> Record:
    if entry_id not in LIBRARY:
        raise DescopeError(NO_JWT_TEMPLATE, f"Not in the library: {entry_id}")
    return LIBRARY[entry_id]


def _record(state: State, action: str, template: Record) -> None:
    state.record(action, data={"id": template["id"], "name": template["name"]})
