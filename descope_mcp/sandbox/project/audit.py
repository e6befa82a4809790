"""The audit trail and its summary. Events are kept for 30 days; times are milliseconds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.fields import Record, fill, integer, objects, one_of, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import AUDITS, State
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.tables import USERS

MOST = 1000
RETENTION_MS = 30 * 24 * 3600 * 1000
YEAR_MS = 365 * 24 * 3600 * 1000

SEARCHED = {
    "userIds": "userId",
    "actions": "action",
    "devices": "device",
    "methods": "method",
    "geos": "geo",
    "remoteAddresses": "remoteAddress",
    "externalIds": "externalIds",
    "tenants": "tenants",
    "actorIds": "actorId",
    "auditTypes": "type",
    "levels": "type",
}
EXCLUDED = {"excludedActions": "action", "excludedExternalIds": "externalIds"}
COUNTED = {"actions": "action", "devices": "device", "methods": "method", "geos": "geo"}

#: How the beginning of a period is written for ``groupByCreated``: hour, day, week, month, quarter.
PERIODS = {"h": "%Y-%m-%dT%H:00:00Z", **dict.fromkeys("dwmq", "%Y-%m-%dT00:00:00Z")}


@handles("SearchAudit")
def search_audit(state: State, arguments: Arguments) -> Answer:
    """Events that pass every filter, the latest first, a page of ``size``, and the total."""
    wanted = filters.asked(arguments, SEARCHED)
    # Events of no tenant are no match for any; noTenants lets them in beside those that are.
    tenants = wanted.pop("tenants", None)
    unwanted = filters.asked(arguments, EXCLUDED)
    asked = fill({"text": "", "noTenants": False, "oldestFirst": False}, arguments)
    parts = strings(arguments, "loginIdsContain")
    unwanted_parts = strings(arguments, "loginIdsNotContain")
    found = [
        event
        for event in _between(state, arguments, RETENTION_MS)
        if filters.matches(event, wanted)
        and not any(filters.has_any(event[field], values) for field, values in unwanted.items())
        and (
            tenants is None
            or filters.has_any(event["tenants"], tenants)
            or (asked["noTenants"] and not event["tenants"])
        )
        and asked["text"].casefold() in json.dumps(event).casefold()
        and (not parts or _contains(event, parts))
        and not _contains(event, unwanted_parts)
        and all(_has_field(event, f) for f in objects(arguments, "searchFields"))
    ]
    if not asked["oldestFirst"]:
        found.reverse()
    size = min(integer(arguments, "size") or MOST, MOST)
    audits = filters.page(found, {**arguments, "limit": size})
    return {"audits": audits, "total": len(found)}


@handles("CreateAuditEvent", required=["action", "type", "actorId"])
def create_audit_event(state: State, arguments: Arguments) -> Answer:
    """Write an event as the caller states it, actor included."""
    names = {"userId": "", "action": "", "tenantId": "", "type": "", "actorId": "", "data": {}}
    event = fill(names, arguments)
    one_of("type", event["type"], ("info", "warn", "error"))
    tenants = [state.get(TENANTS, event["tenantId"])["id"]] if event["tenantId"] else []
    user = state.find(USERS, userId=event["userId"])
    stated = {name: event[name] for name in ("userId", "type", "actorId")}
    state.record(event["action"], user=user, tenants=tenants, data=event["data"], **stated)
    return None


@handles("SearchAnalytics")
def search_analytics(state: State, arguments: Arguments) -> Answer:
    """How many events there were, by the properties that are asked for."""
    wanted = filters.asked(arguments, {**COUNTED, "tenants": "tenants"})
    unwanted = filters.asked(arguments, {"excludedActions": "action"})
    counts: Counter[tuple[str, ...]] = Counter()
    for event in _between(state, arguments, YEAR_MS):
        if filters.matches(event, wanted) and event["action"] not in unwanted.get("action", []):
            counts[_group(event, arguments)] += 1
    names = ("action", "created", "device", "method", "geo", "tenant")
    return {
        "analytics": [
            {
                "projectId": state.project_id,
                **dict(zip(names, group, strict=True)),
                "cnt": str(count),
                "referrer": "",
            }
            for group, count in counts.items()
        ]
    }


def _group(event: Record, arguments: Arguments) -> tuple[str, ...]:
    def shown(name: str, value: str) -> str:
        return value if arguments.get(f"groupBy{name}") else ""

    return (
        shown("Action", event["action"]),
        _period(int(event["occurred"]) / 1000, str(arguments.get("groupByCreated") or "")),
        shown("Device", event["device"]),
        shown("Method", event["method"]),
        shown("Geo", event["geo"]),
        shown("Tenant", ",".join(event["tenants"])),
    )


def _period(seconds: float, unit: str) -> str:
    """The beginning of the period that a time lies in; weeks begin on Monday."""
    when = datetime.fromtimestamp(seconds, UTC)
    match unit:
        case "w":
            when -= timedelta(days=when.weekday())
        case "m":
            when = when.replace(day=1)
        case "q":
            when = when.replace(month=when.month - (when.month - 1) % 3, day=1)
    return when.strftime(PERIODS.get(unit, ""))


def _between(state: State, arguments: Arguments, longest: int) -> Iterator[Record]:
    """The events between ``from`` and ``to``, but none that is older than `longest`."""
    now = state.now_ms()
    start = max(integer(arguments, "from"), now - longest)
    end = integer(arguments, "to") or now
    return (e for e in state.all(AUDITS) if start <= int(e["occurred"]) <= end)


def _contains(event: Record, parts: list[str]) -> bool:
    return any(part in login_id for part in parts for login_id in event["externalIds"])


def _has_field(event: Record, wanted: Mapping[str, Any]) -> bool:
    """One of ``searchFields``: a field of the event, or of its data, with one of the values."""
    field = str(wanted.get("field") or "")
    value = event.get(field, event["data"].get(field))
    allowed = [*(wanted.get("valArr") or []), *([wanted["valStr"]] if wanted.get("valStr") else [])]
    return filters.has_any(value, allowed) is not bool(wanted.get("negative"))
