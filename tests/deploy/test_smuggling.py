"""Requests that two programs could read in two ways are refused by the proxy, or have one meaning.

Each is followed by another request that only one of the readings would see. Afterwards everybody
else still gets the answer to their own.
"""

from __future__ import annotations

import re
import socket

from tests.deploy.conftest import Proxied

HIDDEN = b"GET /mcp/t/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
_LENGTH = b"%d" % len(HIDDEN)

#: The rest of a head after the host, and what follows it: all of them must be refused.
REFUSED = {
    "both framings, a long length": (
        b"Content-Length: %d\r\nTransfer-Encoding: chunked" % (len(HIDDEN) + 5),
        b"0\r\n\r\n" + HIDDEN,
    ),
    "both framings, a short length": (b"Content-Length: 4\r\nTransfer-Encoding: chunked", _CHUNK),
    "both framings, the other way": (b"Transfer-Encoding: chunked\r\nContent-Length: 4", _CHUNK),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: " + _LENGTH, HIDDEN),
    "a list of two lengths": (b"Content-Length: 0, " + _LENGTH, HIDDEN),
    "a length with a sign": (b"Content-Length: +0", HIDDEN),
    "a length in hexadecimal": (b"Content-Length: 0x0", HIDDEN),
    "no length": (b"Content-Length: ", HIDDEN),
    "a negative length": (b"Content-Length: -1", HIDDEN),
    "another encoding": (b"Transfer-Encoding: xchunked", _CHUNK),
    "an encoding twice": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", _CHUNK),
    "an encoding after chunked": (b"Transfer-Encoding: chunked, identity", _CHUNK),
    "a control character before it": (b"Transfer-Encoding: \x0bchunked", _CHUNK),
    "a blank before the colon": (b"Transfer-Encoding : chunked", _CHUNK),
    "a blank before the name": (b" Transfer-Encoding: chunked", _CHUNK),
    "a length with a blank before the colon": (b"Content-Length : 0", HIDDEN),
    "an underscore": (b"Content_Length: 5\r\nContent-Length: 0", b""),
    "NUL in a value": (b"Content-Length: 0\r\nX: a\x00b", HIDDEN),
    "a second host": (b"Host: internal.example\r\nContent-Length: 0", b""),
    "a chunk of no number": (b"Transfer-Encoding: chunked", b"zz\r\n" + HIDDEN),
    "a negative chunk": (b"Transfer-Encoding: chunked", b"-1\r\n" + HIDDEN),
}
#: What has one meaning: the first request has a body, and nothing follows it.
ONE_MEANING = {
    "a length twice": (b"Content-Length: %s\r\nContent-Length: %s" % (_LENGTH, _LENGTH), HIDDEN),
    "chunks": (b"Transfer-Encoding: chunked", _CHUNK),
    "a folded line": (b"Content-Length: %s\r\nX: a\r\n b" % _LENGTH, HIDDEN),
    "a length that is folded": (b"Content-Length:\r\n " + _LENGTH, HIDDEN),
    "an encoding that is folded": (b"Transfer-Encoding:\r\n chunked", _CHUNK),
    "an extension of a chunk": (
        b"Transfer-Encoding: chunked",
        _CHUNK.replace(b"\r\n", b";a=b\r\n", 1),
    ),
}


def statuses(proxied: Proxied, head: bytes, rest: bytes) -> list[int]:
    """The statuses of all answers to what is sent on one connection."""
    sent = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n\r\n%s" % (proxied.port, head, rest)
    got = b""
    with socket.create_connection(("127.0.0.1", proxied.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.settimeout(1.0)
        try:
            while part := connection.recv(65536):
                got += part
        except (TimeoutError, ConnectionResetError):
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)]


def test_no_request_hides_in_another(proxied: Proxied) -> None:
    wrong = []
    for name, (head, rest) in REFUSED.items():
        found = statuses(proxied, head, rest)
        if any(status < 400 or status == 404 for status in found):
            wrong.append(f"{name}: {found}")
    for name, (head, rest) in ONE_MEANING.items():
        found = statuses(proxied, head, rest)
        # Nobody can read the body as a message of MCP, but all of it is the one body.
        if len(found) != 1 or found == [404]:
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)
    assert [proxied.status("/healthz") for _ in range(8)] == [200] * 8
