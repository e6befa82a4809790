"""The words of a consequence in a record (``says``): a sentence with places for names and counts.

- ``{target}``: what names the target;
- ``{$args.email}``: a value, of a list all its elements;
- ``{$args.roleNames role|roles}``: how many there are, with the noun for one and for many;
- ``{users user|users}``: a count of the record's impact, by its `key`;
- ``{users user|users, keys access key|access keys}``: several, without those that are none;
- ``{word $args.roleNames role|roles}``: only the noun that fits their number;
- ``{by $before[].status}``: how many have which value: ``36 enabled, 3 invited``;
- ``{changes}``: the fields that become different;
- ``[ and, with it, {keys key|keys}]``: left out where nothing in it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(r"(?P<open>\[)|(?P<close>\](?!\.))|\{(?P<place>[^{}]+)\}")
_ITEM = re.compile(
    r"(?:(?P<mode>by|word) )?(?P<source>\$?[\w.\[\]]+)(?: (?P<one>[^|]+)\|(?P<many>[^|]+))?"
)
#: Sources that are neither references nor counts.
TARGET, CHANGES = "target", "changes"


class Item(NamedTuple):
    """One value or count: where it comes from, and the nouns for one and for many ("" for none).

    ``mode`` is "by", "word" or "".
    """

    source: str
    one: str = ""
    many: str = ""
    mode: str = ""


Place = tuple[Item, ...]
#: Words, places, and (a list) a part that may be left out.
Piece = str | Place | list["str | Place"]


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[Piece, ...]:
    """The pieces of a sentence.

    Raises:
        ValueError: it is not well formed; the message says where.
    """
    pieces: list[Piece] = []
    inside: list[str | Place] | None = None
    at = 0
    for match in _TOKEN.finditer(text):
        here: list[Piece] | list[str | Place] = pieces if inside is None else inside
        if match.start() > at:
            here.append(text[at : match.start()])
        at = match.end()
        if match["place"]:
            here.append(_place(match["place"]))
        elif match["open"]:
            if inside is not None:
                raise ValueError(f"a [ inside of another: {text}")
            inside = []
        else:
            if not inside or all(isinstance(piece, str) for piece in inside):
                raise ValueError(f"a ] that closes nothing, or no place inside: {text}")
            pieces.append(inside)
            inside = None
    if inside is not None:
        raise ValueError(f"a [ that is not closed: {text}")
    if text[at:]:
        pieces.append(text[at:])
    if re.search(r"[{}]", "".join(piece for piece in pieces if isinstance(piece, str))):
        raise ValueError(f"a brace that is not closed: {text}")
    return tuple(pieces)


def sources(text: str) -> Iterator[str]:
    """Where the values of a sentence come from.

    Raises:
        ValueError: it is not well formed.
    """
    for piece in parse(text):
        for one in piece if isinstance(piece, list) else [piece]:
            if isinstance(one, tuple):
                yield from (item.source for item in one)


def _place(text: str) -> Place:
    items = []
    for part in text.split(", "):
        match = _ITEM.fullmatch(part)
        if match is None:
            raise ValueError(f"no value or count: {{{text}}}")
        found = match.groupdict(default="")
        items.append(Item(found["source"], found["one"], found["many"], found["mode"]))
    return tuple(items)
