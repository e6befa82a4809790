"""The project itself: name, tags, clones, deletion.

The sandbox has the data of one project. A clone is listed, but nothing answers for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import NO_CLONE
from descope_mcp.sandbox.engine.fields import Record, fill, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import PROJECTS, State
from descope_mcp.sandbox.engine.tables import TABLES, Table, register

#: Clones that were asked for without waiting; they are ready at once.
CLONES = register(Table("project_clones", "PC", missing=NO_CLONE))

#: What belongs to the company or to the sandbox itself, and outlives a project.
_OF_COMPANY = ("sandbox", "management_keys", "descopers")


@handles("ListProject")
def list_project(state: State, arguments: Arguments) -> Answer:
    """All projects of the account: the one that the sandbox serves, and its clones."""
    return {"projects": state.all(PROJECTS)}


@handles("UpdateProjectName", required=["name"])
def update_project_name(state: State, arguments: Arguments) -> Answer:
    """Rename the project."""
    state.change(PROJECTS, state.project, {"name": arguments["name"]})
    state.record("ProjectModified", data={"name": arguments["name"]})
    return None


@handles("UpdateProjectTags")
def update_project_tags(state: State, arguments: Arguments) -> Answer:
    """Replace the tags; without any they are cleared."""
    state.change(PROJECTS, state.project, {"tags": strings(arguments, "tags")})
    state.record("ProjectModified", data={"tags": state.project["tags"]})
    return None


@handles("CloneProject", required=["name"], company=True)
def clone_project(state: State, arguments: Arguments) -> Answer:
    """A new project with the settings of this one."""
    clone = _clone(state, arguments)
    shown = {name: clone[name] for name in ("tag", "environment", "tags")}
    return {"projectId": clone["id"], "projectName": clone["name"], **shown}


@handles("CloneProjectAsync", required=["name"], company=True)
def clone_project_async(state: State, arguments: Arguments) -> Answer:
    """As `clone_project`, but the answer is to be fetched."""
    clone = _clone(state, arguments)
    process = state.add(CLONES, {"projectId": clone["id"], "projectName": clone["name"]})
    return {"processId": process["id"]}


@handles("GetCloneProjectProcess", required=["processId"])
def get_clone_project_process(state: State, arguments: Arguments) -> Answer:
    """What became of a clone."""
    process = state.get(CLONES, arguments["processId"])
    return {**{name: process[name] for name in ("projectId", "projectName")}, "error": ""}


@handles("DeleteProject")
def delete_project(state: State, arguments: Arguments) -> Answer:
    """Delete the project with everything in it. Every later call is answered with E011008."""
    kept = {name: state.all(TABLES[name]) for name in _OF_COMPANY}
    projects = [p for p in state.all(PROJECTS) if p["id"] != state.project_id]
    state.replace({**kept, PROJECTS.name: projects})
    return None


def _clone(state: State, arguments: Mapping[str, Any]) -> Record:
    given = fill({"name": "", "environment": "", "tags": []}, arguments)
    clone = state.add(PROJECTS, {**given, "tags": strings(given, "tags"), "tag": ""})
    state.record("ProjectCloned", data={"projectId": clone["id"]})
    return clone
