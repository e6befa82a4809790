"""Arguments on a command line: JSON, a file of it (``@file``), or standard input (``-``)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from descope_mcp.configuration import text_files


class JsonObject(click.ParamType[dict[str, Any]]):
    """An option that takes a JSON object; a fault in it is told with its place."""

    name = "JSON"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The object.

        Raises:
            click.BadParameter: there is no file, or it is no JSON object.
        """
        if isinstance(value, dict):
            return value
        text, place = _read(value)
        if not text.strip():
            raise click.BadParameter(f"{place} is empty; an object was expected")
        try:
            parsed = json.loads(
                text, object_pairs_hook=_once, parse_constant=_no_number, strict=False
            )
        except json.JSONDecodeError as error:
            hint = _hint(text, value)
            where = f"line {error.lineno}, column {error.colno}"
            raise click.BadParameter(
                f"{place} is not valid JSON at {where}: {error.msg.lower()}{hint}"
            ) from None
        except RecursionError:
            raise click.BadParameter(f"{place} is nested too deeply") from None
        except ValueError as error:
            raise click.BadParameter(f"{place}: {error}") from None
        if not isinstance(parsed, dict):
            raise click.BadParameter(f'{place}: an object was expected, as `{{"name": "value"}}`')
        return parsed


def _read(value: str) -> tuple[str, str]:
    """The text that an option stands for, and what to call it.

    Raises:
        click.BadParameter: it cannot be read.
    """
    if value != "-" and not value.startswith("@"):
        return value, "it"
    place = "standard input" if value == "-" else value[1:]
    try:
        if value == "-":
            return text_files.decoded(sys.stdin.buffer.read()), place
        return text_files.read(Path(value[1:]).expanduser()), place
    except OSError as error:
        raise click.BadParameter(f"{place} cannot be read: {error.strerror}") from None
    except (ValueError, RuntimeError) as error:
        raise click.BadParameter(f"{place}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which every name stands once; of two values nobody knows which is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1)
        raise ValueError(f"{twice} occurs twice")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _hint(text: str, value: str) -> str:
    if value.startswith("@") or value == "-":
        return ""
    if "'" in text and '"' not in text:
        return '; JSON has double quotes: put the whole in single ones, `\'{"name": "value"}\'`'
    return "; a shell may have taken its quotes: @file or - (standard input) need none"
