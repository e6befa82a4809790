"""TOML, YAML and JSON that people write or bring, no deeper than what reads them can stand.

Python's parsers descend with the text until the stack ends; libyaml's binding ends the process so.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

#: Levels of a document, far more than any that somebody means; and values, since an alias of YAML
#: says much in little.
DEEPEST = 100
_MOST = 5_000_000
_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep, or holds itself"


def from_toml(text: str) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        ValueError: it is no TOML, or nested too deeply.
    """
    found: dict[str, Any] = _bounded(partial(tomllib.loads, text))
    return found


def from_json(text: str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    return _bounded(partial(json.loads, text))


def from_yaml(text: str, loader: Any) -> Any:
    """What a YAML text says, as `loader` reads it.

    Raises:
        yaml.YAMLError: it is no YAML.
        ValueError: it is nested too deeply, or a value in it is none.
    """
    import yaml

    # What is not YAML is told in the words of the loader.
    with suppress(yaml.YAMLError):
        check_yaml(text)
    return _bounded(partial(yaml.load, text, Loader=loader))


def check_yaml(text: str) -> None:
    """Make sure that a YAML text can be composed.

    Raises:
        yaml.YAMLError: it is no YAML.
        ValueError: it is nested too deeply.
    """
    import yaml

    depth = 0
    # Events come one by one, however deep they are.
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            where = f" (at line {event.start_mark.line + 1})" if event.start_mark else ""
            raise ValueError(f"{_TOO_DEEP}{where}")


def _bounded(read: Callable[[], Any]) -> Any:
    """What is read, which can be walked through.

    Raises:
        ValueError: it is nested too deeply, or is too much.
    """
    try:
        found = read()
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check(found)
    return found


def _check(value: Any) -> None:
    """Make sure that a value can be walked through.

    Raises:
        ValueError: it is nested too deeply, or is too much.
    """
    level, count = [value] if isinstance(value, dict | list) else [], 0
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            count += len(one)
            if count > _MOST:
                raise ValueError("it says too much; leave something out")
            inner = one.values() if isinstance(one, dict) else one
            below += [each for each in inner if isinstance(each, dict | list)]
        level = below
        if not level:
            return
    raise ValueError(_TOO_DEEP)
