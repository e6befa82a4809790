"""The headers by which a receiver knows that a notice is from here, and is new.

Standard Webhooks, version 1: HMAC-SHA256 over id, time and body. Its library brings more packages
than this has lines; a test has it verify what is made here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def headers(key: bytes, message: str, now: float, body: bytes) -> dict[str, str]:
    """The headers of a try; without a key they hold no signature.

    Args:
        key: shared with the receiver.
        message: names the notice, the same for every try.
        now: in epoch seconds; a receiver refuses what is long past.
        body: as it is sent.
    """
    at = str(int(now))
    named = {"webhook-id": message, "webhook-timestamp": at}
    if not key:
        return named
    covered = b".".join((message.encode(), at.encode(), body))
    digest = base64.b64encode(hmac.digest(key, covered, hashlib.sha256)).decode()
    return {**named, "webhook-signature": f"v1,{digest}"}
