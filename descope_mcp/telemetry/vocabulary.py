"""All that traces and metrics may say: which stages there are, which facts, with which values.

It is an allow-list. A fact that is not listed is not told, and a value that nobody knew beforehand
is told as ``_OTHER``: so nothing that a caller sent or Descope answered gets into a trace, whatever
a stage is given. What depends on the catalog or the settings is made known with `know`.

The names are those of OpenTelemetry's semantic conventions where there is one, else they begin
with ``descope_mcp.``; docs/telemetry.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

#: Told instead of a value that is not known (the word of the semantic conventions).
OTHER = "_OTHER"

Value = str | int
Kind = Literal["internal", "server", "client"]

_CALL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: What becomes of a call, besides the kinds of failures.
_OUTCOMES = ("done", "done-in-part", "so-already", "asked", "refused", "cancelled")
_FAILURES = (
    "answer_gone", "api_error", "failure", "invalid_arguments", "missing_credential",
    "nothing_found", "outcome_unknown", "rate_limited", "target_missing", "too_much",
    "unknown_call", "unknown_operation", "unknown_plan", "unknown_toolset", "unreachable",
)  # fmt: skip
#: By what is decided, and by what is refused; a rule of a policy file is told as POLICY_FILE.
POLICY_FILE = "policy-file"
_RULES = (
    POLICY_FILE,
    "account-takeover", "asked-again", "asks-in-report", "blocked", "busy", "cannot-ask", "cap",
    "changed", "changed-since", "class", "code", "declined", "denied", "destructive", "ended",
    "expired", "forged", "forges-record", "forgotten", "grant", "many", "merge", "mints-secret",
    "no-name", "no-plan", "no-undo", "not-shown", "nothing-done", "nothing-left", "others",
    "preview", "production", "project-wide", "ran-before", "read", "read-only", "reveals-secret",
    "running", "scope", "senseless", "so-already", "store", "typed", "undone", "unknown", "used",
    "write",
)  # fmt: skip
_ANSWERS = ("accepted", "declined", "cancelled", "no-answer", "ended", "not-ticked", "unread")
_METHODS = (
    "completion/complete", "initialize", "logging/setLevel", "notifications/cancelled",
    "notifications/initialized", "notifications/progress", "notifications/roots/list_changed",
    "ping", "prompts/get", "prompts/list", "resources/list", "resources/read",
    "resources/subscribe", "resources/templates/list", "resources/unsubscribe", "server/discover",
    "subscriptions/listen", "tools/call", "tools/list",
)  # fmt: skip
_HTTP_ERRORS = tuple(map(str, range(400, 600)))
_CODES = ("-32700", "-32600", "-32601", "-32602", "-32603", "-32000", "-32001", "-32002", "-32042")
_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")


@dataclass(slots=True)
class Fact:
    """What may be told under a name: one of `values`, what has the `form`, or numbers `between`."""

    name: str
    values: frozenset[str] = frozenset()
    form: re.Pattern[str] | None = None
    between: tuple[int, int] | None = None

    def told(self, value: object) -> Value:
        """`value` if it may be told, else OTHER."""
        if self.between and isinstance(value, int) and not isinstance(value, bool):
            low, high = self.between
            return value if low <= value <= high else OTHER
        if isinstance(value, str) and (
            value in self.values or (self.form is not None and self.form.fullmatch(value))
        ):
            return value
        return OTHER


#: Every fact by the word that the code has for it.
FACTS: Mapping[str, Fact] = {
    "call": Fact("descope_mcp.call.id", form=_CALL_ID),
    "operation": Fact("descope_mcp.operation"),
    "effect": Fact("descope_mcp.call.class", frozenset({"read", "write", "destructive"})),
    "outcome": Fact("descope_mcp.call.outcome", frozenset({*_OUTCOMES, *_FAILURES})),
    "decision": Fact("descope_mcp.decision", frozenset({"allow", "confirm", "deny"})),
    "rule": Fact("descope_mcp.rule", frozenset(_RULES)),
    "stage": Fact("descope_mcp.stage"),
    "channel": Fact("descope_mcp.consent.channel", frozenset({"form", "outside"})),
    "answer": Fact("descope_mcp.consent.answer", frozenset(_ANSWERS)),
    "why": Fact("descope_mcp.wait.reason", frozenset({"room", "pause"})),
    "database": Fact("db.system.name", frozenset({"sqlite", "postgresql"})),
    "method": Fact(
        "http.request.method", frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
    ),
    "status": Fact("http.response.status_code", between=(100, 599)),
    "template": Fact("url.template"),
    "host": Fact("server.address"),
    "port": Fact("server.port", between=(1, 65535)),
    "again": Fact("http.request.resend_count", between=(0, 100)),
    "message": Fact("mcp.method.name", frozenset(_METHODS)),
    "protocol": Fact("mcp.protocol.version", frozenset(_VERSIONS)),
    "tool": Fact("gen_ai.tool.name"),
    "prompt": Fact("gen_ai.prompt.name"),
    "ai": Fact("gen_ai.operation.name", frozenset({"execute_tool"})),
    "code": Fact("rpc.response.status_code", frozenset(_CODES)),
    "error": Fact("error.type", frozenset({"tool_error", *_CODES, *_FAILURES, *_HTTP_ERRORS})),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric: what it counts or measures, and which facts it is told apart by."""

    name: str
    kind: Literal["counter", "histogram", "level", "gauge"]
    unit: str
    about: str
    facts: tuple[str, ...] = ()


INSTRUMENTS: Mapping[str, Instrument] = {
    "calls": Instrument(
        "descope_mcp.calls", "counter", "{call}", "Calls by what became of them.",
        ("operation", "effect", "outcome"),
    ),
    "call": Instrument(
        "descope_mcp.call.duration", "histogram", "s",
        "How long calls took, without the time of a person who was asked between two of them.",
        ("effect", "outcome"),
    ),
    "decisions": Instrument(
        "descope_mcp.decisions", "counter", "{decision}",
        "What the policy decided on calls, and by which kind of rule.",
        ("effect", "decision", "rule"),
    ),
    "refusals": Instrument(
        "descope_mcp.refusals", "counter", "{call}", "Calls that were refused, and by what.",
        ("rule",),
    ),
    "stage": Instrument(
        "descope_mcp.stage.duration", "histogram", "s", "How long each stage of a call took.",
        ("stage",),
    ),
    "waited": Instrument(
        "descope_mcp.consent.wait.duration", "histogram", "s",
        "How long it took until a person had answered.", ("channel", "answer"),
    ),
    "request": Instrument(
        "http.client.request.duration", "histogram", "s",
        "Requests to Descope, each try by itself.",
        ("method", "status", "host", "port", "error"),
    ),
    "waiting": Instrument(
        "descope_mcp.api.requests.waiting", "level", "{request}",
        "Requests that wait: for others of their caller (room), or to be sent again (pause).",
        ("why",),
    ),
    "headroom": Instrument(
        "descope_mcp.api.rate_limit.remaining", "gauge", "{request}",
        "What the newest answer said is left of the rate limit, where answers say so.",
    ),
    "come_back": Instrument(
        "descope_mcp.api.rate_limit.retry_after", "gauge", "s",
        "In how many seconds to come back, as the newest refusal for the rate limit said.",
    ),
    "transaction": Instrument(
        "descope_mcp.store.transaction.duration", "histogram", "s",
        "Transactions of the store, with the wait for those of others.", ("database", "error"),
    ),
    "server": Instrument(
        "mcp.server.operation.duration", "histogram", "s", "MCP requests, until their result.",
        ("message", "tool", "prompt", "protocol", "error"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of work that is a span. At its end its duration is told to an instrument."""

    instrument: str
    kind: Kind = "internal"
    #: The span's name: these words, then the values of these facts; else the stage's own.
    named: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ()


STAGES: Mapping[str, Stage] = {
    "message": Stage("server", "server", named_by=("message", "tool", "prompt")),
    "call": Stage("call", named=("call",), named_by=("operation",)),
    "examine": Stage("stage"),
    "preview": Stage("stage"),
    "decide": Stage("stage"),
    "turn": Stage("stage"),
    "wait": Stage("waited"),
    "send": Stage("stage"),
    "record": Stage("stage"),
    "observe": Stage("stage"),
    "answer": Stage("stage"),
    "request": Stage("request", "client", named_by=("method", "template")),
    "transaction": Stage("transaction", "client"),
}
FACTS["stage"].values = frozenset(STAGES)


def know(fact: str, values: Iterable[str]) -> None:
    """Let more values of a fact be told: names that the catalog or the settings bring."""
    FACTS[fact].values |= frozenset(values)


def told(facts: Mapping[str, object]) -> dict[str, Value]:
    """The attributes of `facts`: those that are listed, with values that may be told."""
    listed = ((FACTS[word], value) for word, value in facts.items() if word in FACTS)
    return {fact.name: fact.told(value) for fact, value in listed if value != ""}
