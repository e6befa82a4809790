"""Backups of all authorization data. A restore first makes one of what it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.authorization.schema import (
    RELATIONS,
    SCHEMA,
    current,
    note_change,
    replace,
)
from descope_mcp.sandbox.engine.errors import NO_BACKUP
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register

BACKUPS = register(Table("fga_backups", "B", missing=NO_BACKUP))

#: The parts of a backup that answers do not have.
_CONTENT = ("schema", "dsl", "relations")


@handles("CreateFGABackup")
def create_fga_backup(state: State, arguments: Arguments) -> Answer:
    """Keep the schema and all relations as they are now."""
    return {"backupId": _create(state)}


@handles("GetFGABackup", required=["backupId"])
def get_fga_backup(state: State, arguments: Arguments) -> Answer:
    """What is known of a backup, without its content."""
    return {"backup": _shown(state.get(BACKUPS, arguments["backupId"]))}


@handles("ListFGABackups")
def list_fga_backups(state: State, arguments: Arguments) -> Answer:
    """All backups, the latest first."""
    return {"backups": [_shown(backup) for backup in reversed(state.all(BACKUPS))]}


@handles("DeleteFGABackup", required=["backupId"])
def delete_fga_backup(state: State, arguments: Arguments) -> Answer:
    """Delete a backup for good."""
    state.delete(BACKUPS, arguments["backupId"])
    state.record("AuthzBackupDeleted", data={"id": arguments["backupId"]})
    return {}


@handles("RestoreFGABackup", required=["backupId"])
def restore_fga_backup(state: State, arguments: Arguments) -> Answer:
    """Replace schema and relations by those of a backup; gives the id of one of what they were."""
    backup = state.get(BACKUPS, arguments["backupId"])
    before = _create(state)
    gone = [state.delete(RELATIONS, relation["id"]) for relation in state.all(RELATIONS)]
    for relation in backup["relations"]:
        state.add(RELATIONS, relation)
    replace(state, backup["schema"], backup["dsl"])
    note_change(state, *gone, *backup["relations"], schema=True)
    state.record("AuthzBackupRestored", data={"id": backup["id"], "autoBackupId": before})
    return {"autoBackupId": before}


def _create(state: State) -> str:
    stored = next(iter(state.all(SCHEMA)), None)
    relations = state.all(RELATIONS)
    backup = state.add(
        BACKUPS,
        {
            "projectId": state.project_id,
            "status": "completed",
            "schemaVersion": stored["version"] if stored else 0,
            "tupleCount": len(relations),
            "createdAt": state.now(),
            "completedAt": state.now(),
            "errorMessage": "",
            "schema": current(state),
            "dsl": stored["dsl"] if stored else "",
            "relations": [dict(relation) for relation in relations],
        },
    )
    state.record("AuthzBackupCreated", data={"id": backup["id"]})
    return str(backup["id"])


def _shown(backup: Mapping[str, Any]) -> Record:
    return {name: value for name, value in backup.items() if name not in _CONTENT}
