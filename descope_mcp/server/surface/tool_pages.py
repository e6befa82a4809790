"""Pages about the hub's own tools: what their list cannot afford to say of them."""

from __future__ import annotations

from typing import Any

import mcp_types as types

from descope_mcp.call.plan.steps import MOST_CALLS
from descope_mcp.catalog.field_selection import LONGEST
from descope_mcp.catalog.list_functions import COUNT_BY, GROUP_BY

_FIELDS = (
    f"fields is JMESPath of at most {LONGEST:,} characters, on the whole answer and all its "
    "fields, also those that are left out otherwise: users[?status=='disabled'].{id: userId, "
    'tenants: userTenants[].tenantId}; a readable time is named "createdTime (UTC)", in quotation '
    "marks.",
    f"Beside JMESPath's own functions: {COUNT_BY}(list, &expression) counts the elements by what "
    f"the expression gives, the most first, {GROUP_BY}(list, &expression) puts them together; "
    "where it gives a list, an element counts for each of it: "
    f"{COUNT_BY}(users, &userTenants[].tenantId).",
    "What comes of fields is shown in parts where it is long; part.next has the call for what "
    "follows.",
)
_CHANGE = (
    "Without fields the answer says what has become different; fields and limit show the object.",
    'What it would hit and lose is shown beforehand by descope_plan with "check": true.',
    *_FIELDS,
)
#: By tool, what there is to know beside its description and arguments.
_MORE: dict[str, tuple[str, ...]] = {
    "descope_read": _FIELDS,
    "descope_write": _CHANGE,
    "descope_destructive": _CHANGE,
    "descope_plan": (
        'A step is {"id": "find", "operation": "SearchUsers", "arguments": {"tenantIds": '
        '["globex"]}}; operations of every class are called so.',
        'A value can be {"$from": "find", "path": "users[0].userId"}: what the JMESPath selects of '
        "the answer of step find, which stands before it (without path all of it), or of "
        "answers/NAME, an earlier answer of which you were shown a part. A path that leads to "
        "nothing refuses the plan.",
        "for_each is a list, or a reference to one, and makes a call for each of its elements: "
        '"for_each": {"$from": "find", "path": "users[?status==\'enabled\']"}. In the arguments '
        '"$each" is the element, {"$each": "loginIds[0]"} a part of it. '
        f"A plan comes to at most {MOST_CALLS} calls.",
        "A read that a step takes from runs first, all its pages. Any other runs in its place, and "
        "the answer of the plan shows what it found, where that is not long.",
        "What a change will answer can be taken as an id ($from its step); no for_each can be made "
        "of it.",
        "check: true sends nothing but reads and answers with the question that a person would "
        "read: whom it hits, what is lost, what comes back. It is the way to find out what a "
        "change would do.",
        "One question is put for the whole; every call is checked again before it leaves. The "
        'first that fails stops the rest (on_failure: "continue" goes on with what does not build '
        'on it). {"resume": ID} goes on with what did not run, descope_undo {"call": ID} takes '
        "back what did.",
    ),
    "descope_undo": (
        "The id is callId of a change's answer, or of a plan, all of which it takes back. What was "
        "created is deleted, what was overwritten is set to what it was; what does not come back "
        "is said in the change's answer and again before a person is asked.",
    ),
}


def page(tool: types.Tool) -> dict[str, Any]:
    """What there is to say of a tool of the hub."""
    properties = tool.input_schema["properties"]
    needed = tool.input_schema.get("required", ())
    lines = [
        f"{name}{'' if name in needed else '?'}: {value.get('type') or ' | '.join(value['enum'])}"
        f" - {value['description']}"
        for name, value in properties.items()
    ]
    said = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "arguments": lines,
        "more": list(_MORE.get(tool.name, ())),
    }
    return {key: value for key, value in said.items() if value}
