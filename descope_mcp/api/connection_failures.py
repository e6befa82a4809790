"""Why no connection was made, in words of our own: the exceptions' texts may hold anything."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
#: What OpenSSL calls what is wrong with a certificate, by its number (X509_V_ERR_*).
_CERTIFICATE = {
    9: "not valid yet; check the clock",
    10: "expired; check the clock",
    18: "signed by itself",
    19: "signed by an authority that is not known here",
    20: "signed by an authority that is not known here",
    62: "for another host",
    64: "for another address",
}


def reason(error: BaseException) -> str:
    """The kind of a failure."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "timed out"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    if isinstance(error, httpx.ConnectError):
        return _unconnected(error)
    if isinstance(error, httpx.RemoteProtocolError):
        return "connection closed early"
    if isinstance(error, httpx.DecodingError):
        return "an answer that cannot be unpacked"
    return type(error).__name__


def _unconnected(error: BaseException) -> str:
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                what = _CERTIFICATE.get(cause.verify_code, "")
                return f"certificate not accepted: it is {what}" if what else _NO_CERTIFICATE
            case ssl.SSLError():
                return "no TLS is spoken there"
            case socket.gaierror():
                return "the name cannot be resolved (DNS)"
            case ConnectionRefusedError():
                return "connection refused: nobody listens there"
            case OSError(errno=number) if number in _NO_ROUTE:
                return "no route to it"
    return "no connection"


_NO_CERTIFICATE = "certificate not accepted"


def _causes(error: BaseException, depth: int = 12) -> Iterator[BaseException]:
    """The exceptions that led to this one, the nearest first."""
    if depth == 0:
        return
    yield error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for cause in (*inner, error.__cause__, error.__context__):
        if cause is not None:
            yield from _causes(cause, depth - 1)
