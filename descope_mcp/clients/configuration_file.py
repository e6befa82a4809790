"""A client's configuration file: read, changed as a whole or not at all, put back.

The file keeps its mode and stays behind the link that leads to it. While this server is in it, a
copy of what it was before lies beside it. Something else that is written to it meanwhile is not
overwritten.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from descope_mcp.clients.client import Client
from descope_mcp.clients.errors import ClientError, MalformedConfiguration
from descope_mcp.guard.question import shell_quoting

#: What is put behind the name of a file for the copy of what it was.
_COPY = ".before-descope-mcp"
_COMMENTS = {"jsonc": ("//", "/*"), "toml": ("#",), "yaml": ("#",)}
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Format:
    read: Callable[[str], dict[str, Any]]
    with_entry: Callable[[str, Sequence[str], Mapping[str, Any]], str]
    without_entry: Callable[[str, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """The file at `path`, of the client's format."""

    client: Client
    path: Path

    def content(self) -> bytes | None:
        """What is in the file, None if it is not there.

        Raises:
            ClientError: it cannot be read.
        """
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ClientError(f"{self.path} cannot be read: {error.strerror}") from None

    def entry(self, name: str) -> Any:
        """What the file says of the server of that name, None if nothing.

        Raises:
            ClientError: the file cannot be read, or is malformed.
        """
        return self._entries(self._text(self.content())).get(name)

    def has_servers(self) -> bool:
        """Whether the object of servers is there; one of an entry's own fields is none.

        Raises:
            ClientError: the file cannot be read, or is malformed.
        """
        found = _at(self._read(self._text(self.content())), self.client.servers)
        return isinstance(found, Mapping) and all(isinstance(v, Mapping) for v in found.values())

    def with_entry(self, name: str, entry: Mapping[str, Any]) -> tuple[bytes | None, bytes]:
        """What the file holds, and what it would hold with the entry.

        Raises:
            ClientError: the file cannot be read, or is malformed.
        """
        before = self.content()
        text = self._text(before)
        edit = partial(_format(self.client).with_entry, text, (*self.client.servers, name), entry)
        return before, self._edited(text, edit, name, entry)

    def without_entry(self, name: str) -> tuple[bytes | None, bytes]:
        """What the file holds, and what it would hold without the entry.

        Raises:
            ClientError: the file cannot be read, or is malformed.
        """
        before = self.content()
        text = self._text(before)
        edit = partial(_format(self.client).without_entry, text, (*self.client.servers, name))
        return before, self._edited(text, edit, name, None)

    def write(self, before: bytes | None, after: bytes) -> None:
        """Replace what the file holds.

        Raises:
            ClientError: it does not hold `before` any more, or cannot be written.
        """
        if self.content() != before:
            raise ClientError(
                f"{self.path} was changed by something else meanwhile; nothing was written. "
                "Run the command again."
            )
        target = self.path.resolve()
        made = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            if before is not None:
                shutil.copymode(target, made)
            made.replace(target)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise ClientError(f"{self.path} cannot be written: {error.strerror}") from None

    def copy(self) -> Path | None:
        """The copy of what the file was before this server came into it, if there is one."""
        return self._copy if self._copy.exists() else None

    def keep_copy(self) -> Path | None:
        """Copy the file beside itself, readable by its owner only; None if there is no file.

        A copy that is left of an earlier time is replaced.

        Raises:
            ClientError: the file cannot be read, or the copy not be written.
        """
        content = self.content()
        if content is None:
            return None
        self.drop_copy()
        try:
            descriptor = os.open(self._copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        except OSError as error:
            raise ClientError(f"{self._copy} cannot be written: {error.strerror}") from None
        return self._copy

    def drop_copy(self) -> None:
        """Delete the copy, if there is one.

        Raises:
            ClientError: it cannot be deleted.
        """
        try:
            self._copy.unlink(missing_ok=True)
        except OSError as error:
            raise ClientError(f"{self._copy} cannot be deleted: {error.strerror}") from None

    @property
    def _copy(self) -> Path:
        return self.path.with_name(f"{self.path.name}{_COPY}")

    def put_back(self, name: str, before: bytes | None, written: bytes | None) -> None:
        """Make the file what it was; of one that was changed since, only the entry.

        Raises:
            ClientError: it cannot be written.
        """
        now = self.content()
        if now == before:
            return
        if now == written and before is None:
            self.path.resolve().unlink(missing_ok=True)
        elif now == written and before is not None:
            self.write(now, before)
        elif (old := self._entries(self._text(before)).get(name)) is not None:
            self.write(*self.with_entry(name, old))
        elif now is not None:
            self.write(*self.without_entry(name))

    def lost_a_comment(self, before: bytes | None) -> bool:
        """Whether a comment of what the file was is not in it any more."""
        now = self._text(self.content())
        return any(
            line[line.index(mark) :].strip() not in now
            for line in self._text(before).splitlines()
            for mark in _COMMENTS.get(self.client.format, ())
            if mark in line
        )

    def _entries(self, text: str) -> Mapping[str, Any]:
        found = _at(self._read(text), self.client.servers)
        return found if isinstance(found, Mapping) else {}

    def _edited(
        self, text: str, edit: Callable[[], str], name: str, entry: Mapping[str, Any] | None
    ) -> bytes:
        """What an edit makes of the text, if it is that and nothing else."""
        place = (*self.client.servers, name)
        before = self._read(text)
        try:
            edited = edit()
        except MalformedConfiguration as error:
            raise self._unreadable(error) from None
        try:
            after = _format(self.client).read(edited)
        except MalformedConfiguration:
            after = {}
        if _at(after, place) != entry or _without(before, place) != _without(after, place):
            by_hand = shell_quoting.command("install", self.client.name, "--print")
            raise ClientError(
                f"{self.path} is written in a way that cannot be edited safely; nothing was "
                f"changed. Do it by hand; `{by_hand}` prints the entry."
            )
        mark = _BYTE_ORDER_MARK if (self.content() or b"").startswith(b"\xef\xbb\xbf") else ""
        return f"{mark}{edited}".encode()

    def _read(self, text: str) -> dict[str, Any]:
        try:
            return _format(self.client).read(text)
        except MalformedConfiguration as error:
            raise self._unreadable(error) from None
        except RecursionError:
            raise ClientError(
                f"{self.path} is nested too deeply to be edited; nothing was changed. Put the "
                "entry in by hand."
            ) from None

    def _text(self, content: bytes | None) -> str:
        try:
            return (content or b"").decode().removeprefix(_BYTE_ORDER_MARK)
        except UnicodeDecodeError:
            raise ClientError(f"{self.path} is not UTF-8; save it as UTF-8") from None

    def _unreadable(self, error: MalformedConfiguration) -> ClientError:
        return ClientError(
            f"{self.path}, {error}. Nothing was changed: correct the file, which "
            f"{self.client.title} cannot read either, and run the command again."
        )


def _at(found: Any, path: Sequence[str]) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _without(found: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The data without what is at the path, and without objects on the way that are then empty."""
    first, *rest = path
    inner = found.get(first)
    if not rest or not isinstance(inner, dict):
        return {key: value for key, value in found.items() if key != first or bool(rest)}
    kept = _without(inner, rest)
    return {k: (kept if k == first else v) for k, v in found.items() if k != first or kept}


def of_client(client: Client, path: Path) -> ConfigurationFile:
    """The client's file at `path`, in the form of the client that the file is in already."""
    file = ConfigurationFile(client, path)
    if client.other is None:
        return file
    said = client.model_copy(update={"servers": client.other.servers, "entry": client.other.entry})
    other = ConfigurationFile(said, path)
    try:
        return other if other.has_servers() else file
    except ClientError:
        # Whoever reads it is told.
        return file


def _format(client: Client) -> _Format:
    """What edits files of the client's format; each library is loaded where it is needed."""
    if client.format == "toml":
        from descope_mcp.clients.formats import toml_document as toml

        return _Format(toml.read, toml.with_entry, toml.without_entry)
    if client.format == "yaml":
        from descope_mcp.clients.formats import yaml_document as yaml

        return _Format(yaml.read, yaml.with_entry, yaml.without_entry)
    from descope_mcp.clients.formats import json_document as js

    lenient = client.format == "jsonc"
    return _Format(
        partial(js.read, comments=lenient),
        partial(js.with_entry, comments=lenient),
        partial(js.without_entry, comments=lenient),
    )
