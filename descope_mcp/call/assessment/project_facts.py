"""What Descope calls the projects that people are asked about, and which of them are production.

Read once in the life of a client, beside what a question has to wait for anyway. Without an
answer a question names the project by its id alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiError, ApiFailure
from descope_mcp.call.services import Services
from descope_mcp.guard.question.question_data import Project
from descope_mcp.guard.question.quoting import quoted, whole

#: The read that knows all projects of a company.
READ = "ListProject"
#: For so many seconds a question waits for it.
LONGEST_WAIT = 3.0
#: What in these fields says that a project is production.
_PRODUCTION = "production"
_FIELDS = ("environment", "tag")


class Facts(NamedTuple):
    """What Descope says of a project."""

    name: str
    production: bool


#: By client, as long as that lives; empty while the answer is on its way, or where there is none.
_KNOWN: WeakKeyDictionary[Client, Mapping[str, Facts]] = WeakKeyDictionary()


async def learn(services: Services) -> None:
    """Read it, unless that was done or is being done. Never fails."""
    client = services.client
    if client in _KNOWN or READ not in services.catalog:
        return
    _KNOWN[client] = {}
    try:
        with anyio.fail_after(LONGEST_WAIT):
            options: dict[str, Any] = {"call_id": "project", "repeatable": True}
            answer = await client.run(services.catalog[READ], {}, **options)
    except ApiError:
        return  # a key that is limited to single projects may not know
    except (ApiFailure, TimeoutError):
        _KNOWN.pop(client, None)
        return
    listed = answer.data.get("projects")
    _KNOWN[client] = {
        str(one["id"]): Facts(str(one.get("name") or ""), _is_production(one))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and one.get("id")
    }


def shown(project: str, services: Services) -> Project:
    """A project as a person is told of it: production if the policy or Descope says so."""
    facts = _KNOWN.get(services.client, {}).get(project)
    marked = services.policy.is_production(project)
    name = whole(facts.name) if facts and facts.name else ""
    production = True if marked else facts.production if facts else None
    return Project(quoted(project or "not set"), name, production)


def _is_production(project: Mapping[str, Any]) -> bool:
    return any(str(project.get(name)).casefold() == _PRODUCTION for name in _FIELDS)
