"""Pages of templates: everything that is put into them is escaped."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """What makes pages."""
    made = Environment(
        loader=PackageLoader("descope_mcp.sandbox.http.inspector"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"moment": moment}
    made.tests |= {"link": is_link}
    return made


def rendered(template: str, **values: Any) -> str:
    """A page as text."""
    return environment().get_template(template).render(**values)


def moment(seconds: float) -> str:
    """A point in time, in UTC; one that no calendar has (in an imported state) as its number."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s"


def is_link(value: object) -> bool:
    """Whether a value may be followed: no scheme but those of the web."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))
