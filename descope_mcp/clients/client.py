"""What is known of each client: a record of ``clients.toml``, which says what its fields mean."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Scope = Literal["user", "project"]
Format = Literal["json", "jsonc", "toml", "yaml"]
#: The platforms whose places may differ.
PLATFORMS = ("linux", "macos", "windows")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnCommand(_Frozen):
    """The client's own command line for its servers; `extra` is what `$entry` has beside them."""

    program: str
    add: tuple[str, ...]
    remove: tuple[str, ...] = ()
    extra: dict[str, str] = Field(default_factory=dict)
    scopes: tuple[Scope, ...]


class OtherForm(_Frozen):
    """Where another version of the client has its servers, and what an entry looks like there."""

    servers: tuple[str, ...]
    entry: dict[str, Any]


class Client(_Frozen):
    """A program that starts MCP servers. The places of `user` and `signs` are by platform."""

    name: str
    title: str
    source: str
    checked: date
    format: Format
    servers: tuple[str, ...]
    entry: dict[str, Any]
    other: OtherForm | None = None
    user: dict[str, tuple[str, ...]]
    project: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    signs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    after: str
    command: OwnCommand | None = None

    @field_validator("user", "signs", mode="before")
    @classmethod
    def _by_platform(cls, value: Any) -> Any:
        return dict.fromkeys(PLATFORMS, value) if isinstance(value, list) else value


@cache
def known() -> dict[str, Client]:
    """All clients by their names, in the order of the file."""
    text = resources.files("descope_mcp.clients").joinpath("clients.toml").read_text("utf-8")
    return {name: Client(name=name, **said) for name, said in tomllib.loads(text).items()}
