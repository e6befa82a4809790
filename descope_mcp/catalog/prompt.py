"""A prompt for real work, as ``tool_specs/prompts.yaml`` writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from string import Formatter
from typing import Any

from pydantic import ValidationError

from descope_mcp.catalog.frozen_model import Frozen

_NAME = re.compile(r"`([^`]*)`")


class PromptArgument(Frozen):
    """What a prompt takes; one of `choices`, if there are any."""

    about: str
    required: bool = True
    choices: tuple[str, ...] = ()


class Prompt(Frozen):
    """A prompt: in `text` ``{name}`` is an argument, and what is in backticks an operation."""

    title: str
    about: str
    arguments: dict[str, PromptArgument]
    text: str

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that the text names, each once."""
        return tuple(dict.fromkeys(_NAME.findall(self.text)))


def problems(
    written: dict[str, Any], known: Container[str], where: Callable[[str], str]
) -> Iterator[str]:
    """What is wrong with prompts: their form, unknown operations and arguments.

    Args:
        written: as YAML has them.
        known: names of operations.
        where: file and line of a prompt.
    """
    for name, data in written.items():
        try:
            prompt = Prompt.model_validate(data)
            named = {field for _, field, _, _ in Formatter().parse(prompt.text) if field}
        except (ValidationError, ValueError) as error:
            yield f"{where(name)}: {name}: {error}"
            continue
        yield from (
            f"{where(name)}: {name}: there is no operation {operation}"
            for operation in prompt.operations
            if operation not in known
        )
        yield from (
            f"{where(name)}: {name}: argument {argument} is not both declared and used"
            for argument in sorted(named ^ prompt.arguments.keys())
        )
