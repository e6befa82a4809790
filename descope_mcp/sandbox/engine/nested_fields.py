"""Messages inside messages, read by a nested template of defaults.

What `fields` does for flat objects: an object with fields in it stands for a message, a list with
one object in it for a list of such messages; an empty object takes any, an empty list strings.
The service emits defaults, so a message that was never set is shown with all its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import MALFORMED, DescopeError, missing
from descope_mcp.sandbox.engine.fields import Record, copied, given, objects


def whole(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Record:
    """Every field of `template`, with the default where `arguments` have none: a full replace.

    Raises:
        DescopeError: a value has another type than the template's.
    """
    return {name: _empty(default) for name, default in template.items()} | partial(
        template, arguments
    )


def partial(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Record:
    """The fields of `template` that `arguments` hold: a patch. What is given is replaced whole.

    Raises:
        DescopeError: a value has another type than the template's.
    """
    return {
        name: _read(name, template[name], value)
        for name, value in given(template, arguments).items()
    }


def inner(arguments: Mapping[str, Any], name: str) -> Record:
    """The message `name` of a request, which must have something in it.

    Raises:
        DescopeError: it is absent or empty, or no object.
    """
    message: Record = given({name: {}}, arguments).get(name, {})
    if not message:
        raise missing(name)
    return message


def _read(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, dict) and default:
        return whole(default, value)
    if isinstance(default, list) and default:
        return [whole(default[0], item) for item in objects({name: value}, name)]
    if isinstance(default, list) and not all(isinstance(item, str) for item in value):
        raise DescopeError(MALFORMED, f"The {name} field must be a list of strings")
    return value


def _empty(default: Any) -> Any:
    if isinstance(default, dict) and default:
        return {name: _empty(value) for name, value in default.items()}
    return [] if isinstance(default, list) else copied(default)
