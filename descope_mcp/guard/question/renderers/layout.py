"""The order in which a person is told: the consequence, then whom it hits, then all the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from descope_mcp.guard.question.disclosure import Difference, Disclosure, Fact, Group, Member

Kind = Literal["consequence", "warning", "gain", "loss", "text", "quiet"]

UNDO = {"whole": "Can be undone.", "part": "Can be undone in part.", "no": "Cannot be undone."}
#: Up to so many members of a group are named with what else they are known by.
_FEW = 8


class Block(NamedTuple):
    """One thing that is said: a paragraph, then names for columns, then lines of their own."""

    kind: Kind
    text: str
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def blocks(said: Disclosure, *, most_lines: int = 0) -> Iterator[Block]:
    """What a person is told, in order.

    Args:
        said: all of it.
        most_lines: of the differences of documents, after which only their parts are named; 0 for
            all of them.
    """
    yield Block("consequence", f"{said.consequence}?")
    yield Block("text", f"{place(said)} {UNDO[said.undo]}")
    yield from (Block("warning", warning) for warning in said.warnings)
    for right in said.rights:
        if right.gained:
            yield Block("gain", f"{right.who} may then also: {', '.join(right.gained)}")
        if right.lost:
            yield Block("loss", f"{right.who} may no longer: {', '.join(right.lost)}")
    if said.leads_to:
        yield Block("warning", f"Leads to: {', '.join(said.leads_to)}")
    yield from map(_group, said.hits)
    if said.changes:
        yield Block("text", "Becomes different:")
        yield from map(_difference, said.changes)
    yield from _documents(said.documents, most_lines)
    for number, step in enumerate(said.steps, 1):
        yield Block("text", f"{number}. {step.consequence}")
        yield from map(_group, step.hits)
        if step.facts:
            yield Block("text", f"   {_listed(step.facts)}")
    for title, facts in (("With", said.given), ("Now", said.now), ("Besides", said.counts)):
        if facts:
            yield Block("text", f"{title}: {_listed(facts)}")
    if said.lost:
        yield Block("loss", f"Not coming back: {said.lost}")
    if said.softer:
        yield Block("text", f"Softer: {said.softer}.")
    yield Block("quiet", f"Asked by {said.caller}, by the rule {said.rule}.")


def place(said: Disclosure) -> str:
    """The project in a sentence."""
    project = said.project
    name = f"{project.name} ({project.id})" if project.name else f"project {project.id}"
    return f"In {name}{', PRODUCTION' if project.production else ''}."


def _listed(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.label}: {fact.value}" for fact in facts)


def _group(group: Group) -> Block:
    count = len(group.members) + group.more
    title = f"{group.title[:1].upper()}{group.title[1:]} ({count:,}):"
    if not group.members:
        return Block("text", title[:-1])
    more = f"and {group.more:,} more" if group.more else ""
    names = _named(group.members)
    if len(names) <= _FEW:
        return Block("text", f"{title} {', '.join([*names, *filter(None, [more])])}")
    return Block("text", title, (*names, *filter(None, [more])))


def _named(members: Sequence[Member]) -> list[str]:
    distinct = len({member.name for member in members}) == len(members)
    few = len(members) <= _FEW
    return [
        " ".join(
            filter(
                None,
                [
                    member.name,
                    member.id if few or not distinct else "",
                    f"({', '.join(member.marks)})" if member.marks else "",
                ],
            )
        )
        for member in members
    ]


def _difference(difference: Difference) -> Block:
    said = f"{difference.field}: {difference.becomes}"
    of = difference.of
    if not of:
        return Block("text", f"  {said}", lines=difference.lines)
    if len(of) <= _FEW:
        return Block("text", f"  {said}, for {', '.join(of)}", lines=difference.lines)
    return Block("text", f"  {said}, for {len(of):,}:", of, difference.lines)


def lines_of(documents: Sequence[Difference]) -> int:
    """About how many lines of a terminal the differences of documents take."""
    return sum(1 + sum(1 + len(line) // 74 for line in part.lines) for part in documents)


def _documents(documents: Sequence[Difference], most_lines: int) -> Iterator[Block]:
    """The parts of documents that become different, without their lines if these are many."""
    if not documents:
        return
    short = bool(most_lines) and lines_of(documents) > most_lines
    yield Block("text", f"Becomes different ({len(documents):,} parts):")
    for part in documents:
        yield Block("text", f"  {part.field}: {part.becomes}", part.of, () if short else part.lines)
