"""The prompts of the catalog, with what this server adds: tools, and where a person is asked."""

from __future__ import annotations

from collections.abc import Mapping

import mcp_types as types
from mcp.shared.exceptions import MCPError

from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.prompt import Prompt
from descope_mcp.guard.policy.decision import possible
from descope_mcp.server.surface.resources import beginning

_LONGEST = 500


def listed(catalog: Catalog) -> list[types.Prompt]:
    """The prompts, as MCP describes them."""
    return [
        types.Prompt(
            name=name,
            title=prompt.title,
            description=prompt.about,
            arguments=[
                types.PromptArgument(name=key, description=a.about, required=a.required)
                for key, a in prompt.arguments.items()
            ],
        )
        for name, prompt in catalog.prompts.items()
    ]


def get(name: str, given: Mapping[str, str], services: Services) -> types.GetPromptResult:
    """A prompt with its arguments filled in.

    Raises:
        MCPError: there is no such prompt, or an argument is missing, unknown or too long.
    """
    prompt = services.catalog.prompts.get(name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, "Unknown prompt")
    problems = [] if given.keys() <= prompt.arguments.keys() else ["it has no such argument"]
    for key, argument in prompt.arguments.items():
        if argument.required and not given.get(key, "").strip():
            problems.append(f"{key} is needed")
        if len(given.get(key, "")) > _LONGEST:
            problems.append(f"{key} is longer than {_LONGEST} characters")
    if problems:
        raise MCPError(types.INVALID_PARAMS, f"{name}: {'; '.join(problems)}")
    filled = {key: f'"{given[key]}"' if given.get(key) else "not said" for key in prompt.arguments}
    text = f"{prompt.text.format(**filled)}\n{_notes(prompt, services)}"
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description=prompt.about, messages=[message])


def complete(name: str, argument: str, typed: str, catalog: Catalog) -> types.Completion:
    """What may stand for an argument of a prompt, by its beginning."""
    prompt = catalog.prompts.get(name)
    known = prompt.arguments.get(argument) if prompt else None
    return beginning(known.choices if known else (), typed)


def _notes(prompt: Prompt, services: Services) -> str:
    """Which tool takes each operation, and where a person is asked."""
    operations = [services.catalog[name] for name in prompt.operations]
    lines = [f"- {o.name}: descope_{o.effect}{_asked(o, services)}" for o in operations]
    return "\n".join([_TOOLS, *lines, _ASKED])


def _asked(operation: Operation, services: Services) -> str:
    met = {one.action for one in possible(operation, services.policy, services.project)}
    if met == {"deny"}:
        return "; denied here"
    if "confirm" not in met:
        return "; some calls are denied" if "deny" in met else ""
    relaxed = any(rule.effect or rule.drop for rule in operation.when)
    return "; may ask a person" if relaxed or "allow" in met else "; asks a person"


_TOOLS = "The tools of these operations (descope_describe tells their arguments):"
_ASKED = (
    "A person is asked by the server itself; a yes in the conversation does not replace that. "
    "After a change its callId takes it back with descope_undo, where that is possible."
)
