"""What another policy would have decided, where it differs from what was decided.

Lines of JSON in the state directory: nothing depends on them, so they are neither signed nor on
disk when a call goes on. They name operation, arguments (not their values), caller and rules, and
the call, under which the journal has the rest. The oldest are forgotten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from descope_mcp.store.errors import StoreError
from descope_mcp.store.private_files import private_directory, private_file

_NAME, _OLDER = "shadow.jsonl", "shadow.older.jsonl"
#: Bytes after which a new file is begun; the one before it is kept, older ones are not.
_LARGEST = 5_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One call on which two policies differ, in what they do or in what has to be typed.

    ``decided`` by ``rule`` is what counted, ``would`` by ``other_rule`` of ``policy`` what the
    other would have done. ``arguments`` are names.
    """

    at: float
    call: str
    project: str
    caller: str
    operation: str
    effect: str
    arguments: tuple[str, ...]
    decided: str
    rule: str
    would: str
    other_rule: str
    policy: str


def append(directory: Path, difference: Difference) -> None:
    """Write a difference down.

    Raises:
        StoreError: it cannot be written.
    """
    path = private_file(private_directory(directory) / _NAME)
    line = json.dumps(asdict(difference), ensure_ascii=True).encode("ascii") + b"\n"
    try:
        if path.stat().st_size > _LARGEST:
            path.replace(directory / _OLDER)
            private_file(path)
        # One write at the end of the file: lines of several processes do not mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None


def differences(directory: Path, since: float = 0.0) -> Iterator[Difference]:
    """What was written down from `since` on (epoch seconds), oldest first.

    Raises:
        StoreError: it cannot be read.
    """
    for name in (_OLDER, _NAME):
        path = directory / name
        try:
            lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"the file {path} cannot be read: {error}") from None
        for line in lines:
            try:
                row = json.loads(line)
                found = Difference(**{**row, "arguments": tuple(row["arguments"])})
            except (ValueError, TypeError, KeyError):
                # Half a line of a process that was killed.
                continue
            if found.at >= since:
                yield found
