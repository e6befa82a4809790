"""One yes for a whole plan: what it covers, what was allowed ahead, and the caps of the policy."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import partial

from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Instead, NeedsConfirmation, Refused
from descope_mcp.call.plan.judgement import Judged
from descope_mcp.call.plan.outcome import NAME, PlanRequest
from descope_mcp.call.plan.references import filled, written
from descope_mcp.call.services import Services
from descope_mcp.guard.consent import confirmation, given_word, said_no
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.guard.policy.decision import items
from descope_mcp.guard.policy.quorum import strictest
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers import mcp_form
from descope_mcp.store.consent import caps, grants


@dataclass(frozen=True, slots=True)
class Allowed:
    """What allows a plan: a word for the whole, or by the numbers of calls the grant for each."""

    whole: str = ""
    grants: Mapping[int, int] = field(default_factory=dict)

    def of(self, number: int) -> str:
        """What allows a call, for the journal; "" if the policy does."""
        grant = self.grants.get(number, 0)
        return self.whole or (f"grant {grant}" if grant else "")

    @property
    def all(self) -> str:
        """What allows any of its calls, for the journal; "" if the policy does."""
        return self.whole or ", ".join(dict.fromkeys(map(self.of, self.grants)))


async def use_up(approval: Approval | None, services: Services) -> None:
    """Use the answer to a question, if there is one, before anything is done for it.

    Raises:
        Instead: it was used before, or has expired.
    """
    if approval is None:
        return
    try:
        await run_sync(given_word.use_up, services.store, approval)
    except given_word.NotGiven as error:
        raise Instead(Refused(error.rule, str(error), _AGAIN)) from None


async def granted(judged: Sequence[Judged], request: PlanRequest, services: Services) -> list[int]:
    """The grant that each call which asks could use, 0 where there is none; nothing is used up."""
    return await run_sync(_grants, judged, request, services, False)


async def given(
    judged: Sequence[Judged], said: Disclosure, request: PlanRequest, services: Services
) -> Allowed:
    """What allows the plan; ends it if a person has to be asked first.

    Raises:
        Instead: with the question, or since an answer does not count.
        StoreError: it cannot be used up, so it does not count.
    """
    asking = [one for one in judged if one.asks]
    if not asking:
        return Allowed()
    store = services.store
    changes = [_change(one, request, services) for one in asking]
    same = said_no.same_changes(changes)
    quorum = strictest(one.checked.decision.quorum for one in asking)
    bound = confirmation.of_call(same, _binding(judged, request, services), quorum)
    if request.approval:
        try:
            judging = (store, request.approval, bound, said.typed, quorum)
            return Allowed(await run_sync(given_word.judge, *judging))
        except given_word.NotGiven as error:
            raise Instead(Refused(error.rule, str(error), _AGAIN)) from None
    ahead = partial(
        given_word.given_ahead,
        store,
        bound=bound,
        project=services.project,
        caller=request.caller,
        operation=NAME,
        arguments={},
        items=1,
        grantable=False,
    )
    if approved := await run_sync(ahead):
        return Allowed(approved)
    if all(await granted(judged, request, services)):
        used = await run_sync(_grants, judged, request, services, True)
        if not all(used):
            raise Instead(Refused("changed", "A grant has been used up meanwhile.", _AGAIN))
        numbers = (one.number for one in asking)
        return Allowed(grants=dict(zip(numbers, used, strict=True)))
    code = await run_sync(given_word.needs_code, store)
    form, label = mcp_form.message(said, services.policy.long_documents), mcp_form.label(said)
    parts = tuple(changes) if len(changes) > 1 else ()
    asked = confirmation.ask(form, label, said.typed, bound, code=code, same=same, parts=parts)
    raise Instead(NeedsConfirmation(asked, said))


async def still_granted(
    one: Judged, allowed: Allowed, request: PlanRequest, services: Services
) -> bool:
    """Whether the grant that allowed a call, if one did, allows it still.

    A plan may take a while, and a grant be revoked, narrowed or over meanwhile.

    Raises:
        StoreError: it cannot be told.
    """
    number = allowed.grants.get(one.number)
    if not number:
        return True
    grant = await run_sync(grants.standing, services.store, number)
    return grant is not None and _covers(one, request.caller, grant)


async def counted(judged: Sequence[Judged], services: Services, *, ahead: bool) -> None:
    """Count the whole plan towards the caps of its rules; `ahead` only looks for room.

    Raises:
        Instead: a cap is reached, or would be.
    """
    capped: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if cap := one.checked.decision.cap:
            capped[cap.rule].append(one)
    for rule, of in capped.items():
        cap = of[0].checked.decision.cap
        affected = sum(items(one.checked.operation, one.checked.arguments) for one in of)
        taking = partial(
            caps.take,
            services.store,
            project=services.project,
            rule=rule,
            items=affected,
            seconds=cap.seconds if cap else 0.0,
            most_calls=cap.calls if cap else 0,
            most_items=cap.items if cap else 0,
            count=not ahead,
            calls=len(of),
        )
        if not await run_sync(taking):
            place = of[0].checked.decision.rule
            message = (
                f"The plan has {len(of)} calls ({affected} items) by rule {place}, and its cap "
                "leaves no room for all of them."
            )
            raise Instead(Refused("cap", message, "Nothing was sent. Make a smaller plan."))


def _grants(
    judged: Sequence[Judged],
    request: PlanRequest,
    services: Services,
    take: bool,
) -> list[int]:
    """The grants for the calls that ask."""
    wanted = [
        grants.Wanted(
            one.checked.operation.name,
            items(one.checked.operation, one.checked.arguments),
            partial(_covers, one, request.caller),
        )
        for one in judged
        if one.asks
    ]
    return grants.consume_all(services.store, services.project, wanted, take=take)


def _covers(judged: Judged, caller: str, grant: grants.Grant) -> bool:
    """Whether a grant covers a call; one of which something is not known yet it does not."""
    decision = judged.checked.decision
    if decision.typed or decision.quorum.is_of_others or judged.planned.pending:
        return False
    return given_word.covers(grant, judged.checked.given, caller, judged.checked.names)


def _change(one: Judged, request: PlanRequest, services: Services) -> str:
    """What a call of a plan has in common with its repetitions, in a plan or alone."""
    operation, given = one.checked.operation, one.checked.given
    if one.planned.pending:
        # Whatever the steps are called from which it takes.
        given = filled(one.planned.arguments, lambda reference: "")
    change = (services.catalog, operation, given, one.preview)
    return said_no.same_change(*change, services.project, request.caller)


def _binding(judged: Sequence[Judged], request: PlanRequest, services: Services) -> str:
    """A digest of everything that a yes to the plan covers."""
    calls = [
        [
            one.number,
            one.planned.step.id,
            one.checked.operation.name,
            written(one.planned.arguments),
            one.checked.arguments,
            one.preview.found,
            astuple(one.preview.rights),
            one.counts,
            one.asks,
            one.after,
        ]
        for one in judged
    ]
    covered = [NAME, services.project, request.caller, request.title, request.on_failure, calls]
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


_AGAIN = "Nothing was sent. Run the plan again; a person is then asked again."
