"""Pages of templates: everything that is put into them is escaped, foreign text is marked so."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

#: A foreign name or value, as `guard.question.quoting` writes it.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@cache
def environment() -> Environment:
    """What makes pages."""
    made = Environment(
        loader=PackageLoader(__package__ or "descope_mcp.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"said": said, "moment": moment}
    return made


def said(text: str) -> Markup:
    """A text of a question, with what is foreign in it set off, and in its own direction.

    What is our own of it is English, on a page in any language.
    """
    parts, own, end = [], "", 0
    for match in _QUOTED.finditer(text):
        own += text[end : match.start()]
        parts += [
            escape(text[end : match.start()]),
            Markup('<bdi class="foreign">{}</bdi>').format(match[0]),
        ]
        end = match.end()
    parts.append(escape(text[end:]))
    whole = Markup("").join(parts)
    ours = any(character.isalpha() for character in own + text[end:])
    return Markup('<span lang="en">{}</span>').format(whole) if ours else whole


def moment(seconds: float) -> Markup:
    """A point in time in UTC; where there is a script, the page adds the reader's own zone."""
    at = time.gmtime(seconds)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ", at), time.strftime("%Y-%m-%d %H:%M", at)
    )


def rendered(template: str, **values: Any) -> str:
    """A page as text."""
    return environment().get_template(template).render(**values)
