"""Allow, ask or deny: the default policy, decided on the risk of the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.record import Hazard
from descope_mcp.guard.risk import Risk

Action = Literal["allow", "confirm", "deny"]

#: Why a person is asked, by hazard or effect.
WHY: dict[str, str] = {
    "destructive": "It deletes, overwrites or cuts off something.",
    "bulk": "It affects many at once.",
    "project_wide": "It affects the whole project.",
    "account_takeover": "It can give control of somebody's account, or more rights.",
    "mints_secret": "It creates a credential.",
    "reveals_secret": "It reveals a stored secret.",
    "sends_message": "It sends a message to people.",
    "forges_record": "It writes a record that may accuse somebody and cannot be taken back.",
}

#: Hazards that a person decides on, on every plane.
_ASK: tuple[Hazard, ...] = ("account_takeover", "reveals_secret", "forges_record")
#: Planes that administer; on the end users' plane a token is minted for whoever presents the
#: user's own code or token, and gives no more than that does.
_SERVER_PLANES = ("management", "scim")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings take away from the default policy."""

    read_only: bool = False
    production: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided, by which rule, why, and whether the target's name must be typed."""

    action: Action
    rule: str
    reason: str
    typed: bool = False


def decide(operation: Operation, risk: Risk, limits: Limits) -> Decision:
    """The decision on one call. The strictest rule comes first; the first that fits decides."""
    hazards = risk.hazards
    if "blocked" in hazards:
        return Decision("deny", "blocked", "What this operation does is not known well enough.")
    if risk.refusal:
        return Decision("deny", "senseless", risk.refusal)
    if limits.read_only and risk.effect != "read":
        return Decision("deny", "read-only", "The server was started read-only.")
    if "project_wide" in hazards:
        if limits.production:
            return Decision("deny", "production", "The project is marked as production.")
        return Decision("confirm", "project-wide", WHY["project_wide"], typed=True)
    for hazard in _ASK:
        if hazard in hazards:
            return Decision("confirm", hazard.replace("_", "-"), WHY[hazard])
    if "mints_secret" in hazards and operation.plane in _SERVER_PLANES:
        return Decision("confirm", "mints-secret", WHY["mints_secret"])
    if risk.effect == "destructive":
        return Decision("confirm", "destructive", WHY["destructive"])
    return Decision("allow", risk.effect, "Reads and additions are allowed.")


def worst(operation: Operation, limits: Limits) -> Decision:
    """The decision on the worst call that any arguments can make of `operation`."""
    return decide(operation, Risk(operation.worst_effect, operation.worst_hazards), limits)
