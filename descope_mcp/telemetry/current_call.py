"""The call that is under way, for whatever is logged meanwhile."""

from __future__ import annotations

from contextvars import ContextVar

#: Its id, as in the journal and in Descope's audit records; "" outside of a call.
call_id: ContextVar[str] = ContextVar("call_id", default="")
