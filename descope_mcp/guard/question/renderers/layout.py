"""The order in which a person is told: the consequence, then whom it hits, then all the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from descope_mcp.guard.question.question_data import Difference, Disclosure, Fact, Group, Member

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
    yield from _rights(said)
    for group in said.hits:
        yield from _group(group)
    yield from _changes(said)
    yield from _documents(said.documents, most_lines)
    yield from _steps(said)
    for title, facts in (("With", said.given), ("Now", said.now), ("Besides", said.counts)):
        if facts:
            yield Block("text", f"{title}: {_listed(facts)}")
    if said.lost:
        yield Block("loss", f"Not coming back: {said.lost}")
    if said.softer:
        yield Block("text", f"Softer: {said.softer}.")
    yield Block("quiet", f"Asked by {said.caller}, by the rule {said.rule}.")


def _rights(said: Disclosure) -> Iterator[Block]:
    """What people may do then, and where what is sent goes."""
    for right in said.rights:
        if right.gained:
            yield Block("gain", f"{right.who} may then also: {', '.join(right.gained)}")
        if right.lost:
            yield Block("loss", f"{right.who} may no longer: {', '.join(right.lost)}")
    if said.leads_to:
        yield Block("warning", f"Leads to: {', '.join(said.leads_to)}")


def _changes(said: Disclosure) -> Iterator[Block]:
    if said.changes:
        yield Block("text", "Becomes different:")
    for difference in said.changes:
        yield from _difference(difference)


def _steps(said: Disclosure) -> Iterator[Block]:
    for number, step in enumerate(said.steps, 1):
        yield Block("text", f"{number}. {step.consequence}")
        for group in step.hits:
            yield from _group(group)
        if step.facts:
            yield Block("text", f"   {_listed(step.facts)}")


def place(said: Disclosure) -> str:
    """The project in a sentence."""
    project = said.project
    name = f"{project.name} ({project.id})" if project.name else f"project {project.id}"
    return f"In {name}{', PRODUCTION' if project.production else ''}."


def _listed(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.label}: {fact.value}" for fact in facts)


def _group(group: Group) -> Iterator[Block]:
    count = len(group.members) + group.more
    title = f"{group.title[:1].upper()}{group.title[1:]} ({count:,})"
    more = [f"and {group.more:,} more"] if group.more else []
    names = _named(group.members)
    if not names:
        yield Block("text", title)
    elif len(names) <= _FEW:
        yield Block("text", f"{title}: {', '.join([*names, *more])}")
    else:
        yield Block("text", f"{title}:")
        yield from _columns(names, more)


def _columns(names: Sequence[str], more: Sequence[str] = ()) -> Iterator[Block]:
    """Many names: those with the same marks together, so that nobody's is overlooked."""
    marked: dict[str, list[str]] = {}
    for name in names:
        bare, _, mark = name.rpartition('" (')
        marked.setdefault(mark.rstrip(")") if bare else "", []).append(f'{bare}"' if bare else name)
    plain = marked.pop("", [])
    for mark, of in marked.items():
        yield Block("warning", f"  {mark} ({len(of):,}):", tuple(of))
    if marked and plain:
        yield Block("text", f"  others ({len(plain):,}):", (*plain, *more))
    elif plain or more:
        yield Block("text", "", (*plain, *more))


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


def _difference(difference: Difference) -> Iterator[Block]:
    said = f"{difference.field}: {difference.becomes}"
    of = difference.of
    if len(of) <= _FEW:
        whom = f", for {', '.join(of)}" if of else ""
        yield Block("text", f"  {said}{whom}", lines=difference.lines)
        return
    yield Block("text", f"  {said}, for {len(of):,}:", lines=difference.lines)
    yield from _columns(of)


def lines_of(documents: Sequence[Difference]) -> int:
    """About how many lines of a terminal the differences of documents take."""
    return sum(1 + sum(1 + len(line) // 74 for line in part.lines) for part in documents)


def _documents(documents: Sequence[Difference], most_lines: int) -> Iterator[Block]:
    """The parts of documents that become different, without their lines if these are many."""
    if not documents:
        return
    short = bool(most_lines) and lines_of(documents) > most_lines
    many = f"{len(documents):,} parts" if len(documents) > 1 else "1 part"
    yield Block("text", f"Becomes different ({many}):")
    for part in documents:
        yield Block("text", f"  {part.field}: {part.becomes}", part.of, () if short else part.lines)
