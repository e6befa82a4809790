"""Working out what a person is told about one call: all that is approved, nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.secret_shapes import without_passwords
from descope_mcp.guard.consent.grant_limits import exact_patterns
from descope_mcp.guard.policy.decision import Decision, needed_lists
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.coverage import is_covered
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview, by_read, target_value
from descope_mcp.guard.question.affected_targets import hits, members
from descope_mcp.guard.question.compose.other_arguments import other_arguments
from descope_mcp.guard.question.compose.present_state import what_is_there
from descope_mcp.guard.question.consequence import Known, filled
from descope_mcp.guard.question.danger import danger
from descope_mcp.guard.question.document_difference import compared, document_differences, parts
from descope_mcp.guard.question.marks import marks, sentences
from descope_mcp.guard.question.own_names import own_id, renamed
from descope_mcp.guard.question.question_data import (
    Difference,
    Disclosure,
    Fact,
    Group,
    Project,
    Rights,
)
from descope_mcp.guard.question.quoting import MOST_SHOWN, Obscured, TooMuchToShow, whole
from descope_mcp.guard.question.shown_changes import differences, summary
from descope_mcp.guard.restore.way_back import Undoable, by_record
from descope_mcp.guard.secrets.redaction import masked, misread

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s\"]+", re.I)
#: What becomes different, where that is not known.
GIVEN_HERE = "what is given here"


def disclose(
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    risk: Risk,
    decision: Decision,
    preview: Preview,
    project: Project,
    caller: str,
    changes: Sequence[Change] | None = None,
    counts: Sequence[Tally] = (),
    rights: Sequence[Rights] = (),
    typed: str = "",
    undo: Undoable | None = None,
) -> Disclosure:
    """What a person is told about one call.

    Args:
        operation: what would run.
        arguments: as the caller gave them; secrets among them are not shown.
        risk: of this call.
        decision: why a person is asked.
        preview: the before-state.
        project: that it would run in.
        caller: who asks.
        changes: what becomes different, None where that is not known.
        counts: how much hangs on the target.
        rights: what people may do after the call and not before.
        typed: what has to be typed, "" where a yes is enough.
        undo: how much of this call can be taken back, None where only its record says.

    Raises:
        NotShown: the call is too large to be shown, or a part of it cannot be.
    """
    readable(operation, arguments)
    given = masked(operation, arguments)
    found = members(_elements(preview.target), preview.standing)
    inside = {n: [c for c in changes or () if _in(c.path, n)] for n in operation.content}
    apart = [c for c in changes or () if not any(_in(c.path, n) for n in operation.content)]
    different = differences(operation, apart, found)
    documents = _documents(operation, given, preview, None if changes is None else inside)
    # No difference says something only where all was compared.
    sure = bool(changes) or is_covered(operation, arguments, preview.target)
    known = Known(
        replace(preview.scope, args=given, found=by_read(operation, preview.found)),
        target_value(operation, preview),
        counts,
        (parts(documents) if operation.content else summary(different))
        if (changes is not None and sure) or documents
        else GIVEN_HERE,
    )
    said = filled(risk.says or operation.says or operation.title, known)
    groups = hits(operation, preview, counts)
    plain = {name: value for name, value in given.items() if name not in operation.content}
    others = other_arguments(operation, plain, changes, said.shown, groups, preview, found)
    given_ids = [fact.value for fact in others]
    rest = [f for f in own_id(preview.target, said.text) if f.value not in given_ids] + others
    gains, loses = any(one.gained for one in rights), any(one.lost for one in rights)
    # Who is the last of a kind stays so, where nothing is taken away.
    taken = risk.effect == "destructive" or loses
    standing = preview.standing if taken else replace(preview.standing, last={})
    warnings = [*sentences(preview.target, standing), *renamed(preview), *dict.fromkeys(risk.say)]
    if changes is not None and not changes and sure:
        warnings.append("Nothing becomes different.")
    if preview.missing:
        warnings.append(f"Not found: {', '.join(map(whole, preview.missing))}.")
    warnings += [f"Only a part was read: {name}." for name in preview.incomplete]
    undo = undo or by_record(operation)
    hit = [member.marks for group in groups for member in group.members]
    if operation.update or not isinstance(preview.target, list):
        hit += [marks(one, preview.standing) for one in _elements(preview.target)]
    safer = operation.safer
    grade, because = danger(risk, undo.covers, hit, gains=gains, loses=loses)
    return Disclosure(
        operation.name,
        operation.title,
        said.text,
        project,
        caller,
        decision.rule,
        undo=undo.covers,
        danger=grade,
        because=because,
        warnings=tuple(warnings),
        rights=tuple(rights),
        leads_to=tuple(_leads_to(plain, preview)),
        hits=groups,
        changes=different,
        documents=documents,
        given=tuple(dict.fromkeys(rest)),
        now=()
        if changes is not None or operation.content
        else tuple(what_is_there(preview, said.text)),
        counts=tuple(_counts(counts, said.shown, groups)),
        # Of any such call, then of this one.
        lost=in_sentences((operation.lost, *undo.lacks)),
        softer=f"{safer.operation}: {safer.why.rstrip('.')}" if safer else "",
        typed=typed,
        approvals=decision.quorum.approvals,
        four_eyes=decision.quorum.four_eyes,
        patterns=_patterns(arguments, given, decision),
    )


def readable(operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Make sure that no mask hides what a person decides by, and that it is not too much to read.

    Raises:
        Obscured: one does.
        TooMuchToShow: it is.
    """
    read = {k: v for k, v in arguments.items() if k not in operation.content}
    size = len(json.dumps(read, ensure_ascii=False))
    if size > MOST_SHOWN:
        lists = [v for n in needed_lists(operation) if isinstance(v := arguments.get(n), list)]
        items = sum(map(len, lists))
        raise TooMuchToShow(operation.name, items * MOST_SHOWN // size if items > 1 else 0)
    path = misread(operation, arguments)
    if path:
        raise Obscured(operation.name, path)


def _documents(
    operation: Operation,
    given: Mapping[str, Any],
    preview: Preview,
    changes: Mapping[str, Sequence[Change]] | None,
) -> tuple[Difference, ...]:
    """How the documents among the arguments differ from what is there.

    Where the record says how to compare them, its changes count; else what is there under the
    same name.
    """
    held = preview.target if isinstance(preview.target, Mapping) else {}
    found: list[Difference] = []
    for name in operation.content:
        if name in given and changes is not None:
            one_by_one = [(c.path, differences(operation, [c], {})[0]) for c in changes[name]]
            found += compared(name, [d for _, d in one_by_one], [path for path, _ in one_by_one])
        elif name in given:
            found += document_differences(held.get(name), given[name])
    return tuple(found)


def in_sentences(parts: Iterable[str]) -> str:
    """Several statements, each once, each ended."""
    return " ".join(one if one[-1] in ".!?" else f"{one}." for one in dict.fromkeys(parts) if one)


def _in(path: str, name: str) -> bool:
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _patterns(
    arguments: Mapping[str, Any], given: Mapping[str, Any], decision: Decision
) -> tuple[Fact, ...]:
    """The patterns of a grant for this call alone; none if none counts, or is shown as it is."""
    if decision.typed or decision.quorum.is_of_others:
        return ()
    found = exact_patterns(arguments, given)
    plain = all(whole(text) == f'"{text}"' for one in found.items() for text in one)
    return tuple(Fact(*one) for one in found.items()) if plain else ()


def _elements(target: Any) -> list[Any]:
    return target if isinstance(target, list) else [target]


def _leads_to(given: Mapping[str, Any], preview: Preview) -> Iterator[str]:
    """The hosts that addresses among the arguments lead to, and whether they are known here."""
    text = without_passwords(json.dumps(given, ensure_ascii=False))
    before = json.dumps(preview.found, ensure_ascii=False, default=str).casefold()
    hosts: dict[str, None] = {}
    for match in _HOST.finditer(text):
        try:
            host = urlsplit(match[0].replace("\\\\", "/")).hostname
        except ValueError:
            host = None
        hosts.setdefault(host or match[0])
    for host in hosts:
        yield f"{json.dumps(host)}{'' if host.casefold() in before else ' (new here)'}"


def _counts(
    counts: Sequence[Tally], said: frozenset[str], groups: Sequence[Group]
) -> Iterator[Fact]:
    """How much hangs on the target, but for what was said already."""
    titles = {group.title for group in groups}
    for tally in counts:
        covered = tally.key in said if tally.key else False
        # Of several, those of which there are none say nothing.
        nothing = not tally.number and len(counts) > 1
        if not (covered or nothing) and tally.label not in titles:
            yield Fact(tally.label, f"{'at least ' if tally.at_least else ''}{tally.number:,}")
