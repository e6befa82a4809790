"""Working out what a change did: from what was there before it, its answer, and one more read.

Nothing here can make a call that ran look as if it had not: what cannot be worked out is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import anyio

from descope_mcp.api import large_work
from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.assessment.judge import Seen, preview_reader
from descope_mcp.call.evidence.evidence import Changed, Consent, Evidence, Hit
from descope_mcp.call.evidence.made_and_failed import failed_names, made_things, spoiled
from descope_mcp.call.outcome import Call, Completed, Failed
from descope_mcp.call.services import Services
from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import items
from descope_mcp.guard.preview.comparison import after_state
from descope_mcp.guard.preview.comparison.after_state import Pair, known_as
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.comparison.outside_change import disturbed
from descope_mcp.guard.preview.failures import PreviewFailed
from descope_mcp.guard.preview.preview import by_read, target_value
from descope_mcp.guard.preview.read_budget import thrifty
from descope_mcp.guard.preview.target_identity import identity
from descope_mcp.guard.question.affected_targets import hits
from descope_mcp.guard.question.consequence import Consequence, Known, filled, joined
from descope_mcp.guard.question.value_format import words
from descope_mcp.guard.secrets.redaction import masked, masked_at

log = logging.getLogger(__name__)

#: So many seconds a read after a change may take: the change itself has been answered.
_PATIENCE = 5.0
#: So many fields that changed are named in a sentence.
_MOST_FIELDS = 5


async def observed(
    outcome: Completed | Failed, call: Call, seen: Seen, said: str, services: Services
) -> Completed | Failed:
    """The outcome of a change with the evidence of what it did.

    Args:
        outcome: as it was sent.
        call: as it came in.
        seen: what the call hit, from before it.
        said: what allowed it, as the journal has it.
        services: for the read where the answer says nothing.
    """
    if not isinstance(outcome, Completed):
        return outcome
    try:
        after = await _after(outcome, call, seen, services)
        size = max(seen.checked.size, outcome.size)
        return await large_work.run(size, _with_evidence, outcome, seen, said, after, services)
    except Exception as error:  # noqa: BLE001 - the call ran, whatever is wrong with its evidence
        log.warning("The evidence of %s failed: %s", call.operation, type(error).__name__)
        return outcome


#: What there is after a call, where that is known: the answer's, or what a read found.
_After = tuple[Literal["answer", "read", "sent"], Any]


async def _after(outcome: Completed, call: Call, seen: Seen, services: Services) -> _After:
    """What is there after the call; a read tells where the answer does not."""
    checked, before = seen.checked, seen.preview.target
    operation = checked.operation
    if not operation.preview or is_empty(before) or checked.effect == "read":
        return "sent", None
    if after_state.ends_target(services.catalog, operation):
        # Descope has said that it is deleted. A person who has agreed waits for no further read.
        return "sent", None
    filled = operation.update == "replace" and checked.arguments != checked.given
    if not filled and after_state.pairs(before, outcome.data, same_read=False):
        return "answer", outcome.data
    if operation.existing and not operation.may_overwrite:
        return "sent", None  # its preview looks at something else than what is made
    read = thrifty(preview_reader(call, checked, services))
    with anyio.move_on_after(_PATIENCE):
        try:
            arguments, project = checked.arguments, services.project
            found = after_state.read_again(services.catalog, operation, arguments, project, read)
            return "read", await found
        except (PreviewFailed, ApiFailure):
            pass
    return "sent", None


def _with_evidence(
    outcome: Completed, seen: Seen, said: str, after: _After, services: Services
) -> Completed:
    checked, preview = seen.checked, seen.preview
    operation = checked.operation
    source, found = after
    changed, as_before, strange, shown = _changes(seen, source, found, services)
    failed = failed_names(outcome.data)
    changed = [change for change in changed if change.element not in failed]
    left: tuple[str, ...] = ()
    if source == "read" or after_state.ends_target(services.catalog, operation):
        left = tuple(n for n in _gone(operation, preview.target, found) if n not in failed)
    made = tuple(made_things(operation, outcome.data, preview.target)) if operation.existing else ()
    given = masked(operation, checked.given)
    did = _did(seen, given, changed)
    by_permission = any(change.path.endswith("permissions") for change in changed)
    evidence = Evidence(
        did=did.text,
        consent=_consent(said, checked.decision.rule),
        seen=source if shown else "sent",
        changed=_grouped(operation, changed),
        as_before=as_before,
        made=made,
        gone=left,
        hits=tuple(_hits(seen)),
        counts=tuple(t for t in preview.counts or () if t.key not in did.shown),
        rights=(*preview.rights.redefined, *(() if by_permission else preview.rights.given)),
        items=items(operation, checked.arguments),
        spoiled=tuple(spoiled(outcome.data)),
    )
    if checked.effect != "read" and not (changed or made or left):
        sent = {name: value for name, value in given.items() if name not in operation.content}
        evidence = replace(evidence, sent=sent)
    notes = (_DISTURBED.format(", ".join(strange)),) if strange else ()
    return replace(outcome, evidence=evidence, notes=(*outcome.notes, *notes))


def _did(seen: Seen, given: Mapping[str, Any], changed: Sequence[Change]) -> Consequence:
    """What the call did, in the words of the record, which are those of the question."""
    operation, preview = seen.checked.operation, seen.preview
    fields = list(dict.fromkeys(words(change.path) for change in changed))
    if len(fields) > _MOST_FIELDS:
        fields = [*fields[:_MOST_FIELDS], f"{len(fields) - _MOST_FIELDS} more"]
    known = Known(
        replace(preview.scope, args=given, found=by_read(operation, preview.found)),
        target_value(operation, preview),
        preview.counts or (),
        joined(fields) if fields else "what was sent",
    )
    says = seen.checked.risk.says or operation.says or operation.title
    return filled(says, known)


def _changes(
    seen: Seen, source: str, found: Any, services: Services
) -> tuple[Sequence[Change], tuple[str, ...], tuple[str, ...], bool]:
    """What became different, what a read shows as it was, what is as nobody sent it.

    The last says whether anybody has looked: without, it is what was sent.
    """
    checked, before = seen.checked, seen.preview.target
    operation, known = checked.operation, checked.changes
    both = after_state.pairs(before, found, same_read=source == "read")
    if known is None:
        several = isinstance(before, list)
        different = [c for pair in both for c in _of(pair, services, several=several)]
        return different, (), (), bool(both)
    if not both or isinstance(before, list):
        return known, (), (), False
    now = both[0].after if source == "answer" else found
    theirs = merge(operation, checked.arguments, now).changes
    if theirs is None:
        return known, (), (), False
    if source == "answer":
        theirs = tuple(c for c in theirs if c.path.partition(".")[0].removesuffix("[]") in now)
    there = {change.path for change in theirs}
    strange = disturbed(operation, checked.arguments, before, now)
    strange = tuple(path for path in strange if path in there)
    sure = [c.path for c in theirs if c.before is not UNKNOWN and c.path not in strange]
    waiting = dict.fromkeys(sure)
    return [c for c in known if c.path not in waiting], tuple(waiting), strange, True


def _of(pair: Pair, services: Services, *, several: bool) -> Iterator[Change]:
    """The changes of an object; of one of several each with its name."""
    name = known_as(pair.before) if several else ""
    for change in after_state.changes(pair, services.catalog.times):
        yield change if change.element else replace(change, element=name)


def _grouped(operation: Operation, changes: Sequence[Change]) -> tuple[Changed, ...]:
    """Changes without secrets, equal ones of many once, those of the fewest first."""
    groups: dict[str, Changed] = {}
    for change in changes:
        one = _masked(operation, change)
        key = repr((one.field, one.before, one.after, one.gained, one.lost))
        of = groups[key].of if key in groups else ()
        groups[key] = replace(one, of=(*of, *one.of))
    return tuple(sorted(groups.values(), key=lambda one: len(one.of)))


def _masked(operation: Operation, change: Change) -> Changed:
    def shown(value: Any, path: str = change.path) -> Any:
        return UNKNOWN if value is UNKNOWN else masked_at(operation, path, value)

    if change.path.split(".")[0].split("[")[0] in operation.content:
        # A document is not repeated; that it is another one is all that there is to say.
        return Changed(change.path, "the document before", "another document")
    return Changed(
        change.path,
        shown(change.before),
        shown(change.after),
        tuple(shown(one, f"{change.path}[]") for one in change.gained),
        tuple(shown(one, f"{change.path}[]") for one in change.lost),
        (change.element,) if change.element else (),
    )


def _consent(said: str, rule: str) -> Consent:
    """Who allowed a call, from the word that the journal has of it."""
    if said.startswith("grant"):
        return Consent("grant", said, rule)
    if said.startswith("approval"):
        return Consent("person", said, rule)
    return Consent("person", "question", rule) if said == "person" else Consent("nobody", "", rule)


def _gone(operation: Operation, before: Any, after: Any) -> tuple[str, ...]:
    """The names of what is there no more. An update may have given its object another name."""
    if operation.update or operation.effect != "destructive":
        return ()
    return tuple(known_as(one) or identity(one) for one in after_state.gone(before, after))


def _hits(seen: Seen) -> Iterator[Hit]:
    """Those who were hit besides the target itself."""
    preview = seen.preview
    for group in hits(seen.checked.operation, preview, preview.counts or ()):
        # Members are quoted for a text; here they stand in JSON.
        named = tuple(member.name.strip('"') for member in group.members)
        yield Hit(group.title, named, len(named) + group.more)


_DISTURBED = (
    "Seen after the change, this is not as it was sent: {}. Somebody else changed it at the "
    "same moment, or Descope keeps it in another form."
)
