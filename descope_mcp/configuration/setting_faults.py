"""What is wrong with settings, a line for each, without what they hold."""

from __future__ import annotations

from pydantic import ValidationError

#: Said instead of what pydantic says of a value that has not the setting's type.
_EXPECTED = {
    "DESCOPE_MCP_READ_ONLY": "must be true or false",
    "DESCOPE_MCP_PRODUCTION": "must be true or false",
    "DESCOPE_MCP_RETENTION_DAYS": "must be a number of days, at least 0 and at most 3650",
    "DESCOPE_MCP_LOG_LEVEL": "must be debug, info, warning or error",
    "DESCOPE_MCP_LOG_FORMAT": "must be text or json",
    "DESCOPE_MCP_TIMEOUT": "must be a number of seconds, above 0 and at most 600",
    "DESCOPE_MCP_WAIT": "must be a number of seconds, at least 0 and at most 3600",
}


def lines(error: ValidationError) -> list[str]:
    """The name of each setting, and what its value must be."""
    found = [(str(e["loc"][0]), e["msg"]) for e in error.errors()]
    return [f"{name}: {_said(name, message)}" for name, message in found]


def _said(name: str, message: str) -> str:
    own = message.removeprefix("Value error, ")
    return own if own != message else _EXPECTED.get(name, message)
