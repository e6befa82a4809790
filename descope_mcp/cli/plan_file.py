"""A plan as people keep it: a file of YAML or JSON, reviewed and run again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml

from descope_mcp.configuration import text_files
from descope_mcp.configuration.documents import from_yaml

_TIMES = "tag:yaml.org,2002:timestamp"


class PlanFile(NamedTuple):
    """What a file says; the steps are still to be checked."""

    steps: list[Any]
    title: str = ""
    on_failure: str = "stop"


class _Loader(yaml.SafeLoader):
    """Plain values: a date is a text as in JSON, a key stands once, and nothing is repeated."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("a plan has no aliases; write it out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: {key.value} occurs twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _as_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


def _switch(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """As in JSON only true and false are no texts; "off" may be a name."""
    text = str(loader.construct_scalar(node))
    return text.lower() == "true" if text.lower() in ("true", "false") else text


_Loader.add_constructor(_TIMES, _as_text)
_Loader.add_constructor("tag:yaml.org,2002:bool", _switch)


def read(name: str) -> PlanFile:
    """The plan in a file, or on standard input where `name` is ``-``.

    Raises:
        click.BadParameter: it cannot be read, or is no plan.
    """
    try:
        if name == "-":
            text = text_files.decoded(sys.stdin.buffer.read())
        else:
            text = text_files.read(Path(name).expanduser())
    except OSError as error:
        raise click.BadParameter(f"{name} cannot be read: {error.strerror}") from None
    except (ValueError, RuntimeError) as error:
        raise click.BadParameter(f"{name}: {error}") from None
    try:
        parsed = from_yaml(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = f"line {line} of {name} is neither YAML nor JSON: {error.problem}"
        raise click.BadParameter(what) from None
    except (yaml.YAMLError, ValueError) as error:
        raise click.BadParameter(f"{name} is not a plan: {error}") from None
    plan = {"steps": parsed} if isinstance(parsed, list) else parsed
    if not isinstance(plan, dict) or not isinstance(plan.get("steps"), list):
        raise click.BadParameter(f"{name}: a plan is a list of steps, or an object with steps")
    if more := plan.keys() - set(PlanFile._fields):
        raise click.BadParameter(f"{name}: a plan has no {min(map(str, more))}")
    if plan.get("on_failure", "stop") not in ("stop", "continue"):
        raise click.BadParameter(f"{name}: on_failure is stop or continue")
    return PlanFile(plan["steps"], str(plan.get("title") or ""), plan.get("on_failure", "stop"))


def written(steps: list[dict[str, Any]], title: str, *, as_json: bool) -> str:
    """A plan as the text of a file."""
    plan = {**({"title": title} if title else {}), "steps": steps}
    if as_json:
        return json.dumps(plan)
    return str(yaml.safe_dump(plan, sort_keys=False, allow_unicode=True, width=100))
