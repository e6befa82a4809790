"""Which confirmations have been used: each may be used once."""

from __future__ import annotations

import threading
import time


class Ledger:
    """Remembers used confirmations until they expire. Lives as long as the process.

    The key that seals a question's state lives as long, so no confirmation can outlast it.
    """

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def consume(self, nonce: str, expires: float) -> bool:
        """Use `nonce`, which is worthless after `expires` (epoch seconds).

        Returns:
            True the first time; False if it was used before or has expired.
        """
        now = time.time()
        with self._lock:
            self._used = {n: e for n, e in self._used.items() if e > now}
            if not nonce or expires <= now or nonce in self._used:
                return False
            self._used[nonce] = expires
            return True
