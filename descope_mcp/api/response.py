"""From the wire to one form of answer: parsed, wrapped as documented, errors explained.

Nine answers come without the property that the contract wraps them in; both forms are read and
the documented one is returned, so that recipes and secret fields have one path. A redirect is an
answer of the few operations that send a browser on, and of no other. Lists at the root become
``{"result": [...]}``, since structured content must be an object.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic_core

from descope_mcp.api.errors import ApiError, OutcomeUnknown, Unreachable
from descope_mcp.api.partial_failures import PARTIAL
from descope_mcp.api.transport import RawAnswer
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.secret_shapes import scan
from descope_mcp.catalog.secret_words import KEYS, SECRETS

#: Session and refresh cookie; projects that manage tokens in cookies send them nowhere else.
_SESSION_COOKIES = ("DS", "DSR")
#: Fields of an answer that say how a project calls them instead.
_COOKIE_NAMES = ("sessionCookieName", "cookieName")
_COOKIE = re.compile(r"""(?:^|[,;\s])([\w.-]+)=("?)([^;,\s"]*)\2""")
_CODE = re.compile(r"[A-Z][0-9A-Z]{1,19}")
#: A value with a digit in it, after a name that says that it is one: `"refreshToken": "..."`. Where
#: no sign comes between them it has to be long; a code of an error (E...) is none.
_NAMED = re.compile(
    rf"((?:token|(?:{SECRETS})\w{{0,10}}|{KEYS}|authorization|otp)[\"']?"
    r"(?:\s?[:=]\s?[\"']?(?!E\d|\[sealed)(?=[^\s\"']{8})|\s?[\"']?(?=[\w+/=.~-]{16})))"
    r"(?=[^\d\s\"']{0,200}\d)[^\s\"'<>,;]+",
    re.IGNORECASE,
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_MESSAGE = 300
#: Of a longer text no more is looked at.
_MAX_READ = 20_000

Errors = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    ``data`` is always an object, in the documented form; session cookies stand in it under
    ``cookies``. ``partial`` counts what failed inside a success, ``cut`` says that the answer was
    too large to be read whole, ``size`` how many bytes of it were.
    """

    data: dict[str, Any] = field(repr=False)
    partial: int = 0
    cut: bool = False
    size: int = 0


def read(
    operation: Operation,
    raw: RawAnswer,
    errors: Errors,
    *,
    repeatable: bool,
    hidden: Collection[str] = (),
) -> Answer:
    """The answer to a call of `operation`.

    Args:
        operation: what was called.
        raw: from the transport.
        errors: the catalog's error codes with meaning and remedy.
        repeatable: whether the call changes nothing.
        hidden: what no message may repeat.

    Raises:
        ApiError: the status is 400 or above, or a read has an answer that cannot be read.
        Unreachable: something else than Descope answered a read.
        OutcomeUnknown: a server error that Descope itself did not explain, or something else than
            Descope answered, after a change.
    """
    parsed, is_json = _parse(raw)
    if raw.status >= 400:
        body = parsed if is_json and isinstance(parsed, dict) else {}
        raise _error(raw, body, errors, repeatable, hidden)
    if raw.status >= 300:
        if not operation.redirects:
            raise _intercepted(raw, repeatable, "a redirect")
        data: dict[str, Any] = {"status": raw.status, "location": raw.headers.get("location", "")}
    elif not is_json and is_page(raw):
        raise _intercepted(raw, repeatable, "a web page")
    elif not is_json:
        data = {"text": parsed} if parsed else _omitted(raw, repeatable)
    elif operation.unwrapped and not _is_wrapped(parsed, operation.unwrapped):
        data = {operation.unwrapped: parsed}
    else:
        data = parsed if isinstance(parsed, dict) else {"result": parsed}
    if cookies := _cookies(raw, data):
        data = {**data, "cookies": cookies}
    return Answer(data, _partial(operation, data), raw.cut, len(raw.body))


def _cookies(raw: RawAnswer, data: Mapping[str, Any]) -> dict[str, str]:
    """The session cookies that the answer sets; an empty one ends a session."""
    own = (data.get(name) for name in _COOKIE_NAMES)
    names = {*_SESSION_COOKIES, *(name for name in own if isinstance(name, str))}
    return {
        name: value
        for header in raw.headers.get_list("set-cookie")
        for name, _, value in _COOKIE.findall(header)
        if name in names
    }


def _parse(raw: RawAnswer) -> tuple[Any, bool]:
    """The body as JSON, or as text with False; an empty body is an empty object.

    JSON that is cut or broken is no text but "": nobody could find the secrets in it.
    """
    body = raw.body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not body:
        return {}, True
    if not raw.cut:
        try:
            return pydantic_core.from_json(body, allow_inf_nan=False), True
        except ValueError:
            pass
    return "" if body[:1] in b'{["' else body.decode("utf-8", "replace"), False


def is_page(raw: RawAnswer) -> bool:
    """Whether the answer is a web page, which Descope's API never sends."""
    kind = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" or bool(_PAGE.match(raw.body[:1000]))


def _intercepted(raw: RawAnswer, repeatable: bool, what: str) -> Unreachable | OutcomeUnknown:
    """Something between answered in Descope's place, as the sign-in page of a network does."""
    message = f"Something else than Descope answered, with {what} (status {raw.status})."
    if repeatable:
        return Unreachable(message, _BETWEEN)
    return OutcomeUnknown(message, f"Read the target before repeating it. {_BETWEEN}")


def _omitted(raw: RawAnswer, repeatable: bool) -> dict[str, Any]:
    """What stands for an answer that cannot be read; a read without one has failed."""
    if not repeatable:
        return {"omitted": f"{len(raw.body)} bytes that cannot be read; the call itself succeeded"}
    if raw.cut:
        raise ApiError(
            "The answer is larger than this server reads.",
            "Narrow the call (filters, limit, page).",
            raw.status,
        )
    raise ApiError("Descope's answer is not valid JSON.", "Try again later.", raw.status)


def _is_wrapped(parsed: Any, name: str) -> bool:
    return isinstance(parsed, dict) and set(parsed) == {name}


def _partial(operation: Operation, data: Mapping[str, Any]) -> int:
    if operation.effect == "read":
        return 0
    return sum(len(data[n]) for n in PARTIAL if isinstance(data.get(n), (list, dict)))


def _error(
    raw: RawAnswer,
    body: Mapping[str, Any],
    errors: Errors,
    repeatable: bool,
    hidden: Collection[str],
) -> ApiError | OutcomeUnknown:
    code = str(body.get("errorCode", ""))
    if not _CODE.fullmatch(code) or code in hidden:
        code = ""
    if raw.status >= 500 and not code and not repeatable:
        return OutcomeUnknown(
            f"Descope answered {raw.status} without an explanation to a change that was sent.",
            "Read the target to see whether the change took effect before repeating it.",
        )
    if raw.status in _GATES and not code and is_page(raw):
        message = f"Something before Descope refused, with a web page (status {raw.status})."
        return ApiError(message, _BETWEEN, raw.status)
    known = errors.get(code, {})
    said = clean(body.get("errorMessage") or body.get("errorDescription") or "", hidden)
    meaning = known.get("meaning") or _MEANING.get(raw.status) or f"Descope answered {raw.status}."
    message = f"{meaning} Descope says: {said}" if said else meaning
    remedy = known.get("remedy") or _REMEDY.get(raw.status, "")
    ray = raw.headers.get("cf-ray", "")
    if raw.status >= 500 and ray:
        remedy = f"{remedy} For Descope's support: cf-ray {clean(ray)}.".strip()
    return ApiError(message, remedy, raw.status, code)


def clean(text: Any, hidden: Collection[str] = ()) -> str:
    """Foreign text for one line of a message, at most 300 characters of it.

    Without control, format and unassigned characters, without what is `hidden`, and without what
    looks like a token: half of one, where the line is cut, would not look so any more.
    """
    line = str(scan(str(text)[:_MAX_READ]))
    line = _NAMED.sub(r"\1[sealed]", line)
    for secret in hidden:
        line = line.replace(secret, "[sealed]")
    # Letters, marks, numbers, punctuation, symbols and the plain blank.
    seen = (c if unicodedata.category(c)[0] in "LMNPS" else " " for c in line)
    line = " ".join("".join(seen).split())
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"


#: Statuses with which firewalls, proxies and networks refuse what is meant for others.
_GATES = (401, 403, 407, 451, 511)
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_BETWEEN = (
    "Check the base URL (DESCOPE_BASE_URL), and whether a proxy, a firewall or the sign-in page of "
    "a network stands in between."
)
_MEANING = {
    400: "Descope did not accept the request.",
    401: "Descope did not accept the credential.",
    403: "The credential lacks the right for this operation.",
    404: "What the call names does not exist.",
    409: "It conflicts with what is there.",
    413: "The request is too large.",
    500: "Descope failed.",
    502: "Descope's front got no answer.",
    504: "Descope's front got no answer in time.",
}
_REMEDY = {
    400: "Compare the arguments with descope_describe.",
    401: "Check the key (it may be expired, of another project or limited to other addresses).",
    403: "Use a key with this role or scope; management keys can be limited by role, project and "
    "address.",
    404: "Check the identifier; what was just created can take some seconds to appear.",
    500: "Try again later.",
    502: "Try again later.",
    504: "Try again later.",
}
