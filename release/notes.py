"""Release notes: the section of a version in ``CHANGELOG.md``."""

from __future__ import annotations

import re

from release import project

_HEAD = re.compile(r"^## \[?([^\]\s]+)\]?.*$", re.MULTILINE)


def notes(version: str, changelog: str | None = None) -> str:
    """What the changelog says of a version, without its head.

    Raises:
        LookupError: it has no such section, or an empty one.
    """
    text = changelog
    if text is None:
        text = (project.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = [*_HEAD.finditer(text)]
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        if head[1].lower() == version.lower():
            said = text[head.end() : after.start() if after else None].strip()
            if said:
                return said
            break
    known = ", ".join(head[1] for head in heads)
    raise LookupError(
        f"CHANGELOG.md says nothing of {version}; it has {known}. A version's section is called "
        "by its number, with its day behind"
    )
