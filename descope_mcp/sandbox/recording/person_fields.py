"""Which fields speak of a person, as ``person_fields.toml`` lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from descope_mcp.configuration.documents import from_toml


@dataclass(frozen=True, slots=True)
class PersonFields:
    """Names of fields by what they hold; the file explains each."""

    logins: tuple[str, ...]
    names: tuple[str, ...]
    mailboxes: tuple[str, ...]
    pictures: tuple[str, ...]
    noted: tuple[str, ...]
    phones: tuple[str, ...]
    lists: tuple[str, ...]
    claims: tuple[str, ...]

    def describes(self, data: Mapping[str, Any]) -> bool:
        """Whether an object describes somebody: it has a login id, or a mailbox beside a name."""
        if any(name in data for name in self.logins):
            return True
        # A mapping of attributes has fields of these names, which hold names of others.
        mailboxes = (text for name in self.mailboxes for text in texts(data.get(name)))
        return any(name in data for name in self.names) and any("@" in one for one in mailboxes)


@cache
def person_fields() -> PersonFields:
    """The fields of the file."""
    file = resources.files(__package__).joinpath("person_fields.toml")
    written = from_toml(file.read_text(encoding="utf-8"))
    return PersonFields(**{kind: tuple(names) for kind, names in written.items()})


def texts(value: Any) -> Iterator[str]:
    """The texts that a field holds, in any of its forms."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, Mapping):
        for name in ("value", "display"):
            yield from texts(value.get(name))
