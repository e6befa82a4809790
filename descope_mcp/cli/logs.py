"""The program's own log: a line a call, on stderr or in a file of the owner alone.

Only what this program says goes there. Libraries log addresses and headers, and with them tokens;
theirs is left out.
"""

from __future__ import annotations

import logging
import os
import time

from descope_mcp.settings import Settings, SettingsError

_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"


def begin(settings: Settings) -> None:
    """Write the log as the settings say.

    Raises:
        SettingsError: the file cannot be written.
    """
    own = logging.getLogger("descope_mcp")
    form = logging.Formatter(_FORM, "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    handler: logging.Handler = logging.StreamHandler()
    if settings.log_file is not None:
        try:
            # Made for its owner; one that is there keeps its mode.
            os.close(os.open(settings.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
            handler = logging.FileHandler(
                settings.log_file, encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise SettingsError(
                f"DESCOPE_MCP_LOG_FILE: it cannot be written: {error.strerror}"
            ) from None
    handler.setFormatter(form)
    for former in list(own.handlers):
        own.removeHandler(former)
        former.close()
    own.addHandler(handler)
    own.setLevel(settings.log_level.upper())
    own.propagate = False
    # A full disk must not fill stderr with tracebacks as well.
    logging.raiseExceptions = False
