"""Text as people save it: with a byte order mark, in UTF-16, with the line ends of Windows."""

from __future__ import annotations

import codecs
from pathlib import Path

#: Far more than a person writes; who names a device gets an answer.
LARGEST = 64 * 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read(path: Path) -> str:
    """The text of a file that a person has written.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or too large; says so in a few words.
    """
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB; leave something out")
    return decoded(raw)


def decoded(raw: bytes) -> str:
    """The text of a file, with a line feed at the end of each line.

    Raises:
        ValueError: it is neither UTF-8 nor UTF-16; says so in a few words.
    """
    mark, encoding = next((m for m in _MARKS if raw.startswith(m[0])), (b"", _unmarked(raw)))
    try:
        text = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("it is neither UTF-8 nor UTF-16; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked(raw: bytes) -> str:
    """The encoding of a text without a mark: every second byte of UTF-16 in Latin letters is 0."""
    if raw[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if raw[:1] == b"\0" else "utf-8"
