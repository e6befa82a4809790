"""``server.json``, the entry of the MCP registry, by its schema of 2025-12-11."""

from __future__ import annotations

import re
from typing import Any

from release import project

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def registry_entry(repository: str = "", bundle: tuple[str, str] | None = None) -> dict[str, Any]:
    """The entry for the packages of this version.

    Args:
        repository: where the source is, if it is known, a URL. The bundle is a file of the release
            that is called ``v`` and the version.
        bundle: name and SHA-256 of the bundle; clients compare the latter before they install it.
    """
    packages = [_wheel()]
    if repository and bundle:
        packages.append(_bundle(repository, *bundle))
    return {
        "$schema": SCHEMA,
        "name": project.REGISTRY_NAME,
        "title": project.TITLE,
        "description": project.DESCRIPTION,
        "version": project.VERSION,
        **({"repository": {"url": repository, "source": "github"}} if repository else {}),
        "packages": packages,
    }


def check(repository: str) -> None:
    """See that the registry takes an entry of this name from the account of a repository.

    Raises:
        LookupError: it does not.
    """
    account = project.REGISTRY_NAME.partition("/")[0].removeprefix("io.github.")
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/[\w.-]+", repository)
    if not found:
        raise LookupError(f"{repository!r} is none; write https://github.com/ACCOUNT/REPOSITORY")
    if found[1].casefold() != account.casefold():
        raise LookupError(
            f"REGISTRY_NAME in release/project.py is of the account {account}, the repository of "
            f"{found[1]}; the registry takes an entry from the account of its name alone. Write "
            "yours there and in the mcp-name line of README.md"
        )


def _wheel() -> dict[str, Any]:
    return {
        "registryType": "pypi",
        "identifier": project.NAME,
        "version": project.VERSION,
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
        "packageArguments": [{"type": "positional", "value": "serve"}],
        "environmentVariables": [_variable(setting) for setting in project.SETTINGS],
    }


def _bundle(repository: str, name: str, digest: str) -> dict[str, Any]:
    """The bundle says itself how it is started and what it asks for."""
    files = f"{repository}/releases/download/v{project.VERSION}"
    return {
        "registryType": "mcpb",
        "identifier": f"{files}/{name}",
        "fileSha256": digest,
        "transport": {"type": "stdio"},
    }


def _variable(setting: project.Setting) -> dict[str, Any]:
    return {
        "name": setting.variable,
        "description": setting.about,
        "isRequired": setting.required,
        "isSecret": setting.secret,
        "format": "boolean" if setting.switch else "string",
        **({"default": "false"} if setting.switch else {}),
    }
