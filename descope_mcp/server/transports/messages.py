"""JSON-RPC 2.0 on a line: what came in, or why it is no message, and what goes out.

The SDK drops a line that it cannot read, and whoever sent it waits for ever. Here each gets an
answer, with the id of the request wherever that can be told (JSON-RPC 2.0, section 5.1).
"""

from __future__ import annotations

import re
from typing import Any

import mcp_types as types
import pydantic_core

from descope_mcp.server.transports.lines import LARGEST_LINE, Oversized

_json = pydantic_core.to_json
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Where pydantic_core says that JSON ceases to be any.
_COLUMN = re.compile(r"column (\d+)$")
#: An id as the last of the outermost object's members, or before the version. The brace that ends
#: the line ends that object, so that the id cannot be another's.
_LAST_ID = re.compile(
    rb'[,{]\s*"id"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.){0,200}"|-?\d{1,18})\s*'
    rb'(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$'
)
#: Half of a pair of UTF-16 is JSON, but no text: it could not be written again.
_HALF_PAIR = "hex escape"


class Encoded(list[Any]):
    """A list that stays as it is, with its JSON: that of all tools is a megabyte."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items)
        self.json = _json(items)


class NoMessage(Exception):
    """A line that holds no message; `answer` is what its sender is told."""

    def __init__(self, code: int, text: str, number: types.RequestId | None = None) -> None:
        super().__init__(text)
        self.answer = error(number, code, text)


def error(number: types.RequestId | None, code: int, text: str) -> types.JSONRPCError:
    """An error as the answer to a request."""
    return types.JSONRPCError(
        jsonrpc="2.0", id=number, error=types.ErrorData(code=code, message=text)
    )


def decode(line: bytes | Oversized) -> types.JSONRPCMessage | None:
    """The message on a line; None if there is nothing on it that asks for an answer.

    Raises:
        NoMessage: it holds something else.
    """
    if isinstance(line, Oversized):
        text = f"The line has {line.size} bytes, and at most {LARGEST_LINE} are taken."
        raise NoMessage(types.INVALID_REQUEST, text, _id_of(line.head, line.tail))
    line = line.strip().removeprefix(_BYTE_ORDER_MARK).strip()
    if not line:
        return None
    try:
        parsed = pydantic_core.from_json(line, allow_inf_nan=False)
    except ValueError as broken:
        place = _COLUMN.search(str(broken))
        number = _id_of(line[: int(place[1]) - 1] if place else b"", line)
        if _HALF_PAIR in str(broken):
            raise NoMessage(
                types.INVALID_REQUEST, "The message holds half of a surrogate pair.", number
            ) from None
        raise NoMessage(types.PARSE_ERROR, "Parse error", number) from None
    return _message(parsed)


def encode(message: types.JSONRPCMessage) -> bytes:
    """A message as a line.

    Raises:
        ValueError: something in it is no text.
    """
    if isinstance(message, types.JSONRPCResponse):
        number = _json(message.id)
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (number, _encoded(message.result))
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"


def _encoded(result: dict[str, Any]) -> bytes:
    if not any(isinstance(value, Encoded) for value in result.values()):
        return _json(result)
    members = (
        b"%b:%b" % (_json(name), value.json if isinstance(value, Encoded) else _json(value))
        for name, value in result.items()
    )
    return b"{%b}" % b",".join(members)


def _message(parsed: Any) -> types.JSONRPCMessage | None:
    if isinstance(parsed, list):
        raise NoMessage(types.INVALID_REQUEST, "Batches are not served; send one message a line.")
    if not isinstance(parsed, dict):
        raise NoMessage(types.INVALID_REQUEST, "A message is an object.")
    number = _id(parsed)
    if parsed.get("jsonrpc") != "2.0":
        raise NoMessage(types.INVALID_REQUEST, 'jsonrpc has to be "2.0".', number)
    if "method" in parsed:
        return _asked(parsed, number)
    if number is None:
        if "error" in parsed:
            # The client could not read something. There is no saying what, nor anything to do.
            return None
        raise NoMessage(types.INVALID_REQUEST, "The message has neither a method nor an id.")
    if isinstance(parsed.get("result"), dict):
        return types.JSONRPCResponse(jsonrpc="2.0", id=number, result=parsed["result"])
    if "error" not in parsed and "result" not in parsed:
        raise NoMessage(
            types.INVALID_REQUEST, "The message has neither a method nor a result.", number
        )
    try:
        return types.JSONRPCError.model_validate(parsed)
    except ValueError:
        # An answer to a request of ours: whoever waits for it has to be told something.
        return error(number, types.INVALID_REQUEST, "The answer cannot be read.")


def _asked(parsed: dict[str, Any], number: types.RequestId | None) -> types.JSONRPCMessage | None:
    """The request or notification that names a method."""
    method, params = parsed["method"], parsed.get("params")
    if not isinstance(method, str):
        raise NoMessage(types.INVALID_REQUEST, "The method has to be a string.", number)
    fits = params is None or isinstance(params, dict)
    if "id" not in parsed:
        # Nobody waits for an answer to a notification.
        if not fits:
            return None
        return types.JSONRPCNotification(jsonrpc="2.0", method=method, params=params)
    if number is None:
        raise NoMessage(types.INVALID_REQUEST, "The id has to be a string or an integer.")
    if not fits:
        raise NoMessage(types.INVALID_PARAMS, "params has to be an object.", number)
    return types.JSONRPCRequest(jsonrpc="2.0", id=number, method=method, params=params)


def _id(parsed: Any) -> types.RequestId | None:
    number = parsed.get("id") if isinstance(parsed, dict) else None
    return number if isinstance(number, str | int) and not isinstance(number, bool) else None


def _id_of(head: bytes, tail: bytes) -> types.RequestId | None:
    """The id of a line of which only the beginning or the end is JSON."""
    try:
        begun = pydantic_core.from_json(head, allow_partial="trailing-strings")
    except ValueError:
        begun = None
    # What comes last may be cut: of 12 nobody knows whether it was 123.
    if _id(begun) is not None and next(reversed(begun)) != "id":
        return _id(begun)
    if last := _LAST_ID.search(tail[-1000:]):
        try:
            return _id({"id": pydantic_core.from_json(last[1])})
        except ValueError:
            return None
    return None
