"""The table of a configuration file that says where a secret is."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from descope_mcp.configuration import secret_source


class SecretTable(BaseModel):
    """Where a secret is: one of these places."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: str = ""
    file: Path | None = None
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> SecretTable:
        if [bool(self.env), bool(self.file), bool(self.command)].count(True) != 1:
            raise ValueError(
                'name one place: { env = "NAME" }, { file = "..." } or { command = [] }'
            )
        return self

    def read(self) -> str:
        """What is there.

        Raises:
            NoSecret: it is not there.
        """
        if self.env:
            return secret_source.from_environment(self.env)
        if self.file:
            return secret_source.from_file(self.file)
        return secret_source.from_command(self.command)
