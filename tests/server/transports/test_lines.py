"""Bytes into lines, and lines into messages or into what their sender is told."""

import json
from itertools import pairwise
from typing import Any

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.server.transports import messages
from descope_mcp.server.transports.lines import LARGEST_LINE, Oversized, Splitter

_PING = {"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"a": [1, {"id": 8}]}}


@given(st.binary(max_size=200), st.sets(st.integers(0, 200)))
def test_lines_are_the_same_however_the_bytes_come(data: bytes, cuts: set[int]) -> None:
    splitter = Splitter()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = [line for a, b in pairwise(places) for line in splitter.feed(data[a:b])]
    assert [*found, *splitter.finish()] == data.removesuffix(b"\n").split(b"\n")[
        : None if data else 0
    ]


def test_of_a_line_that_is_too_large_the_ends_are_kept() -> None:
    splitter = Splitter()
    assert splitter.feed(b"a" * LARGEST_LINE) == []
    assert splitter.feed(b"\n" + b"b" * LARGEST_LINE)[0] == b"a" * LARGEST_LINE
    for _ in range(20):
        assert splitter.feed(b"c" * LARGEST_LINE) == []
    line, after = splitter.feed(b"d\nnext\n")
    assert isinstance(line, Oversized)
    assert line.size == 21 * LARGEST_LINE + 1
    assert line.head == b"b" * len(line.head)
    assert line.tail.endswith(b"cd")
    assert after == b"next"


def _told(line: bytes | Oversized) -> tuple[int, Any]:
    with pytest.raises(messages.NoMessage) as told:
        messages.decode(line)
    return told.value.answer.error.code, told.value.answer.id


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"hello", -32700, None),
        (b"{", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {', -32700, 7),
        (b'{"jsonrpc": "2.0", "id": 7', -32700, None),
        (b'{"jsonrpc": "2.0", "id": "a\\"b", "method": "pi', -32700, 'a"b'),
        (b'{"id": 7, "method": "ping", "params": {"a": \xff}}', -32700, 7),
        (b'{"method": "ping", "params": {"a": "\xff"}, "jsonrpc": "2.0", "id": 7}', -32700, 7),
        (b'{"params": {"id": 8}, "method": tru', -32700, None),
        (b'{"method": "ping", "params": {"a": tru, "id": 8}}', -32700, None),
        (b'{"id": 7, "params": {"a": NaN}}', -32700, 7),
        (b'{"id": 7, "params": {"a": "\\ud83d"}}', -32600, 7),
        (b'{"params": {"a": "\\udc00x"}, "jsonrpc": "2.0", "id": "x"}', -32600, "x"),
        (b"[]", -32600, None),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, None),
        (b"null", -32600, None),
        (b"42", -32600, None),
        (b'{"jsonrpc": "1.0", "id": 7, "method": "ping"}', -32600, 7),
        (b'{"id": 7}', -32600, 7),
        (b'{"jsonrpc": "2.0"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 7}', -32600, 7),
        (b'{"jsonrpc": "2.0", "id": 7, "method": 5}', -32600, 7),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": [1]}', -32602, 7),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": "x"}', -32602, 7),
        (Oversized(b'{"jsonrpc": "2.0", "id": 7, "params": {"a": "xx', b"xx", 9), -32600, 7),
        (Oversized(b'{"params": {"a": "xx', b'xx"}, "jsonrpc": "2.0", "id": 7}', 9), -32600, 7),
        (Oversized(b'{"params": {"a": "xx', b'x"}, "id":"q", "jsonrpc":"2.0"} ', 9), -32600, "q"),
        (Oversized(b'{"params": {"a": "xx', b'xx", "id": 8}}', 9), -32600, None),
    ],
)
def test_what_is_no_message_is_answered_with_the_id_that_can_be_told(
    line: bytes | Oversized, code: int, number: Any
) -> None:
    assert _told(line) == (code, number)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b" \t", b" \xef\xbb\xbf "])
@pytest.mark.parametrize("end", [b"", b"\r", b"  "])
def test_marks_and_blanks_around_a_message_are_no_part_of_it(mark: bytes, end: bytes) -> None:
    message = messages.decode(mark + json.dumps(_PING).encode() + end)
    assert isinstance(message, types.JSONRPCRequest)
    assert message.model_dump() == _PING


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" \r",
        b"\xef\xbb\xbf",
        b'{"jsonrpc": "2.0", "method": "notifications/x", "params": 5}',
        b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}',
    ],
)
def test_what_asks_for_no_answer_has_none(line: bytes) -> None:
    assert messages.decode(line) is None


def test_an_answer_that_cannot_be_read_is_one_all_the_same() -> None:
    for answer in (b'"error": "no"', b'"error": null', b'"error": {"code": "x"}', b'"result": 5'):
        message = messages.decode(b'{"jsonrpc": "2.0", "id": 3, ' + answer + b"}")
        assert isinstance(message, types.JSONRPCError)
        assert message.id == 3


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _LEAVES,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.sampled_from(["method", "result", "error", "id", "jsonrpc"]))
def test_whatever_json_says_it_is_a_message_or_told_why_not(value: Any, key: str) -> None:
    for line in (value, {"jsonrpc": "2.0", key: value}, {**_PING, key: value}):
        try:
            message = messages.decode(json.dumps(line).encode())
        except messages.NoMessage as no:
            told = no.answer.id
            assert told is None or told == line["id"]
        else:
            if message is not None:
                assert b"\n" not in messages.encode(message)[:-1]


@given(st.integers(1, 200), st.binary(min_size=1, max_size=3), st.integers(0, 200))
def test_a_broken_request_is_never_answered_under_a_wrong_id(
    cut: int, noise: bytes, at: int
) -> None:
    whole = json.dumps({**_PING, "id": "7777"}).encode()
    for line in (whole[:cut], whole[:at] + noise + whole[at:]):
        try:
            messages.decode(line)
        except messages.NoMessage as no:
            told = no.answer.id
            # Noise within the id makes another one of it, as a whole.
            assert told is None or told == "7777" or noise in line
