"""The words of the pages, in the languages that there are: all of them are in ``texts.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

#: The first is the one for everybody else.
LANGUAGES = ("en", "de")


class Texts:
    """The words in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._said = _catalog()[language]

    def __call__(self, name: str, /, **values: Any) -> str:
        """A text by its name, with `values` in their places.

        Raises:
            KeyError: there is none, or a value is missing.
        """
        return self._said[name].format_map(values)


def chosen(accepted: str) -> Texts:
    """The texts that fit ``Accept-Language`` best (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), name.split("-")[0].lower()))
        except ValueError:
            continue
    ranked = sorted(wanted, key=lambda one: -one[0])
    return texts(next((name for q, name in ranked if q > 0 and name in LANGUAGES), LANGUAGES[0]))


@cache
def texts(language: str) -> Texts:
    """The texts of a language."""
    return Texts(language)


@cache
def _catalog() -> Mapping[str, Mapping[str, str]]:
    file = resources.files(__package__).joinpath("texts.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
