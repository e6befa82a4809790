"""What counts as a person's word for a call: an answer, an approval outside the client, a grant.

Each is used up by the call that it allows, in a transaction of the store, so that of many calls
at once only one can have it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.json_path import leaves
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.guard.consent.grant_limits import text_of
from descope_mcp.guard.policy.glob import fits
from descope_mcp.guard.policy.quorum import Quorum
from descope_mcp.guard.preview.target_names import KnownNames, names_at
from descope_mcp.store.consent import approvals, grants, second_factor, used_confirmations
from descope_mcp.store.consent.grants import Grant
from descope_mcp.store.store import Store


class NotGiven(Exception):
    """A person's answer does not count; ``rule`` names why."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def use_up(store: Store, approval: Approval) -> None:
    """Use the answer to a question, before anything is done for it: it has one chance.

    Raises:
        NotGiven: it was used before, or has expired.
        StoreError: it cannot be used up, so it does not count.
    """
    if approval.expires <= time.time():
        raise NotGiven("expired", "The answer came too late: a question counts for five minutes.")
    if not used_confirmations.consume(store, approval.nonce, approval.expires):
        raise NotGiven("used", "This answer has been used.")


def judge(store: Store, approval: Approval, bound: str, typed: str, quorum: Quorum) -> str:
    """Whether an answer is to this call.

    Args:
        store: where the second factor is.
        approval: what the person answered.
        bound: what a confirmation of this call, as things are now, is bound to.
        typed: what the person had to type, "" if a yes is enough.
        quorum: whose word is needed.

    Returns:
        Who consented, for the journal.

    Raises:
        NotGiven: it is to another call, or not good enough.
        StoreError: the second factor cannot be checked.
    """
    if quorum.is_of_others:
        raise NotGiven("others", "Others have to approve this, outside of the client.")
    if approval.binding != bound:
        raise NotGiven("changed", "What the call hits has changed since the question.")
    if typed and approval.typed.strip() != typed:
        raise NotGiven("typed", "The person typed another name than the one that the form shows.")
    if second_factor.enrolled(store):
        checked = second_factor.check(store, approval.code)
        if checked.result != "right":
            raise NotGiven("code", f"{checked.said[0].upper()}{checked.said[1:]}.")
    return "person"


def needs_code(store: Store) -> bool:
    """Whether an answer needs the six digits of the second factor."""
    return second_factor.enrolled(store)


def given_ahead(
    store: Store,
    *,
    bound: str,
    project: str,
    caller: str,
    operation: str,
    arguments: Mapping[str, Any],
    items: int,
    grantable: bool,
    names: KnownNames | None = None,
) -> str:
    """Use what a person said outside the client: an approval of this call, or a grant for it.

    Args:
        store: where they are.
        bound: what a confirmation of this call, as things are now, is bound to.
        project: that the call runs in.
        caller: who calls.
        operation: its name.
        arguments: checked.
        items: how many things it affects.
        grantable: whether a grant may allow it.
        names: those that its targets have.

    Returns:
        What allowed it, for the journal; "" if nothing does.

    Raises:
        StoreError: it cannot be used up, so it does not count.
    """
    if number := approvals.consume(store, bound):
        return f"approval {number}"
    if not grantable:
        return ""
    used = grants.consume(
        store,
        project=project,
        operation=operation,
        items=items,
        fits=lambda grant: covers(grant, arguments, caller, names),
    )
    return f"grant {used}" if used else ""


def covers(
    grant: Grant, arguments: Mapping[str, Any], caller: str, names: KnownNames | None = None
) -> bool:
    """Whether a grant is for this caller, speaks of the same arguments, and each value fits it.

    A value that the grant does not mention is not covered: what nobody thought of stays asked. An
    argument that the call leaves out is not covered either: without a tenant, a role is another.
    What names a target has to be one of its names, as it is spelled.
    """
    if grant.caller and not fits(caller, grant.caller):
        return False
    values = list(leaves(arguments))
    return set(grant.arguments) <= {path for path, _ in values} and all(
        (pattern := grant.arguments.get(path)) is not None
        and fits(text_of(value), pattern)
        and all(one.certain(text_of(value)) for one in names_at(names, path))
        for path, value in values
    )
