"""The form of what people write: a key that nobody knows is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    # Built with the first use: a server that only lists tools has none.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
