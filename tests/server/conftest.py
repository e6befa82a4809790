import json
from collections.abc import Callable
from typing import Any

import pytest

from descope_mcp.call.outcome import Completed
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.answers.continuation import OPERATION, View
from descope_mcp.server.answers.kept_answers import Shelf
from descope_mcp.server.answers.size_limit import Answers

#: ``(operation, data, view, arguments) -> what is shown``.
Show = Callable[..., dict[str, Any]]


@pytest.fixture
def answers(catalog: Catalog) -> Answers:
    return Answers(catalog.times, Shelf(), catalog.last)


@pytest.fixture
def show(catalog: Catalog, answers: Answers) -> Show:
    def shown(name: str, data: Any, view: View | None = None, **given: Any) -> dict[str, Any]:
        # As from the wire: nothing is shared with the test.
        plain = json.loads(json.dumps(data))
        return answers.first(Completed(catalog[name], plain, "1"), view or View(), given, "me")

    return shown


def parts(answers: Answers, first: dict[str, Any]) -> list[dict[str, Any]]:
    """A part and all that follow it among what is kept."""
    found = [first]
    while (then := found[-1]["part"].get("next")) and then["operation"].startswith(OPERATION):
        view = View(then.get("fields", ""), then.get("limit", 0), then["arguments"]["from"])
        part = answers.part(then["operation"].removeprefix(OPERATION), view, "me")
        assert part is not None
        found.append(part)
    return found
