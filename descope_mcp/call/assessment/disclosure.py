"""What a person is told of a call and has to type, or why nobody can be told."""

from __future__ import annotations

from descope_mcp.api import large_work
from descope_mcp.call.assessment import project_facts
from descope_mcp.call.assessment.examine import IN_THE_CONSOLE
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Instead, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.json_path import values_in
from descope_mcp.guard.preview.preview import Preview, counted, target_name
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.target_identity import own_ids
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import Disclosure, Project
from descope_mcp.guard.question.quoting import NotShown, typeable
from descope_mcp.guard.question.shown_rights import shown_rights
from descope_mcp.guard.restore.way_back import Undoable, foreseen
from descope_mcp.guard.secrets.redaction import masked


async def disclosed(
    call: Call,
    checked: Checked,
    preview: Preview,
    services: Services,
    read: Reader,
    typed: str = "",
) -> Disclosure:
    """What a person is told of a call.

    Raises:
        Instead: it cannot be shown.
    """
    counts = await counted(services.catalog, checked.operation, preview, read)

    def told() -> Disclosure:
        return disclose(
            checked.operation,
            checked.given,
            risk=checked.risk,
            decision=checked.decision,
            preview=preview,
            project=project_of(checked, services),
            caller=call.caller,
            changes=checked.changes,
            counts=counts,
            rights=shown_rights(preview.rights),
            typed=typed,
            undo=way_back(checked, preview, services),
        )

    try:
        return await large_work.run(checked.size, told)
    except NotShown as error:
        remedy = "Nothing was sent. Make smaller calls, with arguments that a person can read."
        raise Instead(Refused("not-shown", str(error), remedy)) from None


def way_back(checked: Checked, preview: Preview, services: Services) -> Undoable | None:
    """How much of a call could be taken back, None as long as its target is not there to tell."""
    operation = checked.operation
    if len(preview.found) < len(operation.preview):
        return None
    # The journal, from which an undo is made, holds no secrets.
    recorded = masked(operation, checked.arguments)
    hazards = checked.risk.hazards
    return foreseen(services.catalog, operation, recorded, preview, services.project, hazards)


def project_of(checked: Checked, services: Services) -> Project:
    """The project that a call is about: the one that its path names, else the server's own."""
    project = services.project
    for name, place in checked.operation.places.items():
        if place.where == "path" and place.name in ("projectId", "project_id"):
            project = str(checked.arguments[name])
    return project_facts.shown(project, services)


def must_type(checked: Checked, preview: Preview, project: str) -> str:
    """What the person has to type: the name of a target that is there, else the project's id.

    In place of a name that is not known to be an old one it is the target's own id.

    Raises:
        Instead: there is neither.
    """
    if not checked.decision.typed:
        return ""
    name = target_name(checked.operation, preview)
    # What a model made up says nothing to the person who types it.
    there = bool(name) and name in values_in(preview.found)
    if there and (preview.former or not preview.remembered):
        name = ", ".join(sorted(own_ids(preview.target)))
    typed = name if there and typeable(name) else project
    if not typed:
        message = "The target has no name that a person could type."
        raise Instead(Refused("no-name", message, IN_THE_CONSOLE))
    return typed
