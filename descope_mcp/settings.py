"""Settings from the environment, overridden by the command line.

The credentials have the names that Descope's own SDKs use (DESCOPE_PROJECT_ID,
DESCOPE_MANAGEMENT_KEY, ...); everything of this server is called DESCOPE_MCP_*.
"""

from __future__ import annotations

import difflib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from descope_mcp.configuration import base_url, placeholder_values, regions, setting_faults

#: P, four characters of region for a regional project, 27 of a KSUID. Other lengths may come.
_PROJECT_ID = re.compile(r"P[0-9A-Za-z]{20,63}")
_CREDENTIAL = re.compile(r"[\x21-\x7e]+")
_CALLER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
#: Who calls from the command line.
TERMINAL = "terminal"
_APP = "descope-mcp"
_SECRET = ("management_key", "auth_management_key", "access_key")


class SettingsError(Exception):
    """The settings are wrong; one line per problem, each with its remedy."""


class Settings(BaseModel):
    """What the server needs to know before it starts. Secrets never show in its repr."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    project_id: str = Field("", validation_alias="DESCOPE_PROJECT_ID")
    management_key: SecretStr = Field(SecretStr(""), validation_alias="DESCOPE_MANAGEMENT_KEY")
    auth_management_key: SecretStr = Field(
        SecretStr(""), validation_alias="DESCOPE_AUTH_MANAGEMENT_KEY"
    )
    access_key: SecretStr = Field(SecretStr(""), validation_alias="DESCOPE_ACCESS_KEY")
    base_url: str = Field("", validation_alias=AliasChoices("DESCOPE_BASE_URL", "DESCOPE_BASE_URI"))
    toolsets: str = Field("", validation_alias="DESCOPE_MCP_TOOLSETS")
    read_only: bool = Field(False, validation_alias="DESCOPE_MCP_READ_ONLY")
    policy: str = Field("", validation_alias="DESCOPE_MCP_POLICY")
    shadow_policy: str = Field("", validation_alias="DESCOPE_MCP_SHADOW_POLICY")
    caller: str = Field("stdio", validation_alias="DESCOPE_MCP_CALLER")
    auth: Path | None = Field(None, validation_alias="DESCOPE_MCP_AUTH")
    profile: str = Field("", validation_alias="DESCOPE_MCP_PROFILE")
    production: bool = Field(False, validation_alias="DESCOPE_MCP_PRODUCTION")
    trusted_hosts: str = Field("", validation_alias="DESCOPE_MCP_TRUSTED_HOSTS")
    sandbox_seed: str = Field("acme", validation_alias="DESCOPE_MCP_SANDBOX_SEED")
    sandbox_state: Path | None = Field(None, validation_alias="DESCOPE_MCP_SANDBOX_STATE")
    state: Path | None = Field(None, validation_alias="DESCOPE_MCP_STATE")
    database_url: SecretStr = Field(SecretStr(""), validation_alias="DESCOPE_MCP_DATABASE_URL")
    key_file: Path | None = Field(None, validation_alias="DESCOPE_MCP_KEY_FILE")
    key: SecretStr = Field(SecretStr(""), validation_alias="DESCOPE_MCP_KEY")
    key_command: SecretStr = Field(SecretStr(""), validation_alias="DESCOPE_MCP_KEY_COMMAND")
    retention_days: float = Field(
        30.0, ge=0, le=3650, validation_alias="DESCOPE_MCP_RETENTION_DAYS"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", validation_alias="DESCOPE_MCP_LOG_LEVEL"
    )
    log_file: Path | None = Field(None, validation_alias="DESCOPE_MCP_LOG_FILE")
    log_format: Literal["text", "json"] = Field("text", validation_alias="DESCOPE_MCP_LOG_FORMAT")
    timeout: float = Field(60.0, gt=0, le=600, validation_alias="DESCOPE_MCP_TIMEOUT")
    # Many clients give a call up after a minute, whether it makes progress or not.
    wait: float = Field(45.0, ge=0, le=3600, validation_alias="DESCOPE_MCP_WAIT")
    console_url: str = Field("", validation_alias="DESCOPE_MCP_CONSOLE_URL")
    notices: Path | None = Field(None, validation_alias="DESCOPE_MCP_NOTICES")

    @field_validator("*", mode="before")
    @classmethod
    def _filled_in(cls, value: Any) -> Any:
        if isinstance(value, (str, Path)) and (fault := placeholder_values.unfilled(str(value))):
            raise ValueError(fault)
        return value

    @field_validator("project_id", "base_url", *_SECRET, mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, str) and (fault := placeholder_values.surrounded(value)):
            raise ValueError(fault)
        return value

    @field_validator("state", "key_file", "log_file", "notices")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        with suppress(RuntimeError):  # this account has no home directory; reads need none
            value = value.expanduser()
        if not (value.is_absolute() or value.parts[0].startswith("~")):
            raise ValueError("must be an absolute path; servers start in any directory")
        return value

    @field_validator("project_id")
    @classmethod
    def _project_id(cls, value: str) -> str:
        if value and not _PROJECT_ID.fullmatch(value):
            raise ValueError(
                placeholder_values.no_project(value)
                or "is not a project id; it begins with P and has 28 or 32 letters and digits "
                "(Descope console, Project)"
            )
        return value

    @field_validator("caller")
    @classmethod
    def _caller(cls, value: str) -> str:
        if not _CALLER.fullmatch(value):
            raise ValueError("write up to 64 letters, digits and . _ @ -, the first no sign")
        if value == TERMINAL:
            raise ValueError(f"{TERMINAL} means a person at a terminal; write another name")
        return value

    @field_validator(*_SECRET)
    @classmethod
    def _credential(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if fault := placeholder_values.no_key(text):
            raise ValueError(fault)
        if text and not _CREDENTIAL.fullmatch(text):
            raise ValueError("holds a space, a line break or a special character; copy it again")
        if ":" in text:
            raise ValueError("holds a colon; set the key alone, without the project id")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr) -> SecretStr:
        from descope_mcp.store.databases.postgres_url import parsed
        from descope_mcp.store.errors import StoreError

        try:
            parsed(value.get_secret_value())
        except StoreError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("key", "key_command")
    @classmethod
    def _one_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("key_file") or info.data.get("key"):
            raise ValueError("is set beside another place of the key; set one of them")
        return value

    @field_validator("base_url", "console_url")
    @classmethod
    def _base_url(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return value
        host = base_url.host(value)
        if not host:
            example = "https://api.descope.com"
            if info.field_name == "console_url":
                example = "https://mcp.example.com/console"
            raise ValueError(f"is not a base URL; it looks like `{example}`")
        if not value.startswith("https:") and not base_url.is_loopback(host):
            raise ValueError("must be https; plain http is for this machine only")
        return value.rstrip("/")

    @property
    def api_url(self) -> str:
        """Where the API is: the given base URL, or the host of the project's region."""
        return self.base_url or regions.api_url(self.project_id)

    @property
    def profile_directory(self) -> Path:
        """Where `descope-mcp login` keeps profiles."""
        return _place("user_config_path")

    @property
    def has_profiles(self) -> bool:
        """Whether somebody has signed in; most servers need not load what reads profiles."""
        return _has_profiles(self.profile_directory)

    @property
    def has_management_key(self) -> bool:
        """Whether a management key is set, or kept for the profile."""
        return bool(self.profile or self.management_key.get_secret_value())

    @property
    def state_directory(self) -> Path:
        """Where the journal and what else outlives a call is kept.

        It begins with ``~`` where this account has no home directory; the store refuses that.
        """
        return self.state or _place("user_state_path")

    @property
    def key_path(self) -> Path:
        """The key of what is kept, apart from it."""
        return self.key_file or _place("user_config_path") / "key"

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that may receive a sign-in token without a question."""
        return frozenset(h.strip().lower() for h in self.trusted_hosts.split(",") if h.strip())


def _alias(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)


def _other_names(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias
    return [str(choice) for choice in alias.choices[1:]] if isinstance(alias, AliasChoices) else []


#: The settings that are credentials, or say whose they are: those that are not of this server.
CREDENTIALS = tuple(
    name
    for field in Settings.model_fields
    for name in (_alias(field), *_other_names(field))
    if not name.startswith("DESCOPE_MCP_")
)


def load(*, sandbox: bool = False, **overrides: Any) -> Settings:
    """The settings of this process; an override of None does not count.

    Credentials that are set count before those of a profile, and are never mixed with them. The key
    of a profile is read where it is needed. The sandbox needs neither.

    Raises:
        SettingsError: a setting is malformed or unknown. The message never repeats a value.
        ProfileError: the profile is not there, or credentials are set beside it.
    """
    _refuse_unknown()
    given = {_alias(name): value for name, value in overrides.items() if value is not None}
    # What is set to nothing is not set.
    environment = {name: value for name, value in os.environ.items() if value}
    values = {**environment, **given}
    named, directory = str(values.get("DESCOPE_MCP_PROFILE") or ""), _place("user_config_path")
    if not sandbox and (named or _has_profiles(directory)):
        from descope_mcp.profiles import named_settings

        values.update(named_settings.of(named, values, directory))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise malformed(error) from None


def malformed(error: ValidationError) -> SettingsError:
    """What is wrong, a line for each setting, without what it holds."""
    return SettingsError("\n".join(setting_faults.lines(error)))


def sources(settings: Settings, **overrides: Any) -> dict[str, str]:
    """Where each setting that does not have its default came from, by its name.

    `overrides` are those of `load`.
    """
    given = {_alias(name) for name, value in overrides.items() if value is not None}
    found = {}
    for name in sorted(settings.model_fields_set):
        alias = _alias(name)
        names = [alias, *_other_names(name)]
        read = next((n for n in names if os.environ.get(n)), "")
        kept = "descope-mcp login" if name == "profile" else f"the profile {settings.profile}"
        origin = "the environment" if read else kept
        found[read or alias] = "the command line" if alias in given else origin
    if settings.profile and "DESCOPE_MCP_PROFILE" in found:
        from descope_mcp.profiles import profile

        place = profile.find(settings.profile_directory, settings.profile).key_in
        found["DESCOPE_MANAGEMENT_KEY"] = f"the profile {settings.profile}, in the {place}"
    return found


def _has_profiles(directory: Path) -> bool:
    return (directory / "profiles.toml").exists()


def _place(kind: Literal["user_state_path", "user_config_path"]) -> Path:
    """Where this system keeps what belongs to an application; ``~/...`` if nobody knows a home."""
    from platformdirs import PlatformDirs

    try:
        found: Path = getattr(PlatformDirs(_APP), kind)
    except RuntimeError:
        return Path("~") / _APP
    return found


def _refuse_unknown() -> None:
    """A misspelt setting must not be ignored: it may be the one that limits the server."""
    known = [_alias(name) for name in Settings.model_fields]
    for name in sorted(os.environ):
        if name.startswith("DESCOPE_MCP_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{name}: there is no such setting{hint}")
