"""The order in which a person is told: the consequence, then whom it hits, then all the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from descope_mcp.guard.question.question_data import Difference, Disclosure, Fact, Group, Member

Kind = Literal["consequence", "warning", "gain", "loss", "text", "quiet"]

UNDO = {"whole": "Can be undone.", "part": "Can be undone in part.", "no": "Cannot be undone."}
#: The difference of documents is long if it takes more lines than a screen has.
SCREEN = 24
#: Up to so many members of a group are named with what else they are known by.
_FEW = 8


class Block(NamedTuple):
    """One thing that is said: a paragraph, then names for columns, then lines of their own."""

    kind: Kind
    text: str
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def blocks(said: Disclosure, *, shortened: bool = False) -> Iterator[Block]:
    """What a person is told, in order.

    Args:
        said: all of it.
        shortened: if the difference of documents is long, name its parts alone.
    """
    yield Block("consequence", f"{said.consequence}?")
    yield Block("warning", f"{_danger(said)} {_undo(said)} {place(said)}")
    if said.lost:
        yield Block("loss", f"Not coming back: {said.lost}")
    if said.warnings:
        yield Block("warning", " ".join(said.warnings))
    yield from _rights(said)
    for group in said.hits:
        yield from _group(group)
    yield from _changes(said)
    yield from _documents(said, shortened=shortened)
    yield from _steps(said)
    for title, facts in (("With", said.given), ("Now", said.now), ("Besides", said.counts)):
        if facts:
            yield Block("text", f"{title}: {_listed(facts)}")
    if said.softer:
        yield Block("text", f"Softer: {said.softer}.")
    where = f" in {said.project.id}" if said.project.name else ""
    rule = f" (rule {said.rule})" if said.rule else ""
    yield Block("quiet", f"Asked by {said.caller}{rule}{where}.")


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
    told = [one for one in said.changes if not _is_said(one, said.consequence)]
    if told:
        yield Block("text", "Becomes different:")
    for difference in told:
        yield from _difference(difference)


def _is_said(difference: Difference, consequence: str) -> bool:
    """Whether the consequence says all of it already."""
    short = not (difference.of or difference.lines)
    return short and f"{difference.field} {difference.becomes}" in consequence


def _steps(said: Disclosure) -> Iterator[Block]:
    number = 1
    for step in said.steps:
        last = number + step.times - 1
        span = f"{number}-{last}" if step.times > 1 else f"{number}"
        yield Block("text", f"{step.numbers or span}. {step.consequence}")
        yield from (Block("warning", f"   {warning}") for warning in step.warnings)
        number = last + 1
        for group in step.hits:
            yield from _group(group)
        for difference in step.changes:
            yield from _difference(difference)
        for part in step.documents:
            yield Block("text", f"  {part.field}: {part.becomes}", (), part.lines)
        if step.facts:
            yield Block("text", f"   {_listed(step.facts)}")


def place(said: Disclosure) -> str:
    """The project in a sentence; by its id where it has no name."""
    project = said.project
    kind = {True: "PRODUCTION", False: "not production", None: ""}[project.production]
    return f"Project {project.name or project.id}{f', {kind}' if kind else ''}."


def _undo(said: Disclosure) -> str:
    """How much of it can be taken back; that nothing is lost is news, too."""
    if said.undo == "whole" and not said.lost:
        return "Can be undone; nothing is lost."
    return UNDO[said.undo]


def _danger(said: Disclosure) -> str:
    return f"{', '.join([said.danger or 'Take care', *said.because])}."


def _listed(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.label}: {fact.value}" for fact in facts)


def _group(group: Group) -> Iterator[Block]:
    count = len(group.members) + group.more
    title = f"{group.title[:1].upper()}{group.title[1:]} ({count:,})"
    more = [f"and {group.more:,} more"] if group.more else []
    if not group.members:
        yield Block("text", title)
    elif count <= _FEW or len(group.members) <= _FEW:
        yield Block("text", f"{title}: {', '.join([*map(str, group.members), *more])}")
    else:
        yield Block("text", f"{title}:")
        yield from _columns(group.members, more)


def _columns(members: Sequence[Member], more: Sequence[str] = ()) -> Iterator[Block]:
    """Many members: those with the same marks together, so that nobody's is overlooked."""
    distinct = len({member.name for member in members}) == len(members)
    marked: dict[tuple[str, ...], list[str]] = {}
    for member in members:
        name = member.name if distinct else str(member._replace(marks=()))
        marked.setdefault(member.marks, []).append(name)
    plain = marked.pop((), [])
    for marks, names in sorted(marked.items(), key=lambda pair: len(pair[1])):
        yield Block("warning", f"  {', '.join(marks)} ({len(names):,}):", tuple(names))
    if marked and plain:
        yield Block("text", f"  others ({len(plain):,}):", (*plain, *more))
    elif plain or more:
        yield Block("text", "", (*plain, *more))


def _difference(difference: Difference) -> Iterator[Block]:
    said = f"{difference.field}: {difference.becomes}"
    of = difference.of
    if len(of) <= _FEW:
        whom = f", for {', '.join(map(str, of))}" if of else ""
        yield Block("text", f"  {said}{whom}", lines=difference.lines)
        return
    yield Block("text", f"  {said}, for {len(of):,}:", lines=difference.lines)
    yield from _columns(of)


def is_long(said: Disclosure) -> bool:
    """Whether what becomes different in documents takes more than a screen."""
    return _lines_of(said.documents) > SCREEN


def _lines_of(documents: Sequence[Difference]) -> int:
    """About how many lines of a terminal the differences of documents take."""
    return sum(1 + sum(1 + len(line) // 74 for line in part.lines) for part in documents)


def _documents(said: Disclosure, *, shortened: bool) -> Iterator[Block]:
    """The parts of documents that become different, without their lines if these are many."""
    documents, long = said.documents, is_long(said)
    if not documents:
        return
    many = f"{len(documents):,} parts" if len(documents) > 1 else "1 part"
    size = f"; {_lines_of(documents):,} lines, {'not' if shortened else 'all'} here" if long else ""
    yield Block("text", f"Becomes different ({many}{size}):")
    for part in documents:
        names = tuple(map(str, part.of))
        lines = () if shortened and long else part.lines
        yield Block("text", f"  {part.field}: {part.becomes}", names, lines)
