"""The program's own log: a line a call, on stderr or in a file of the owner alone.

Only what this program says goes there. Libraries log addresses and headers, and with them tokens;
theirs is left out.

As JSON, each line is an object: when, how grave, which part said what, the id of the call that was
under way (`call`) with what is known of it, and the trace if there is one.
"""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from descope_mcp.settings import Settings, SettingsError
from descope_mcp.telemetry import stages
from descope_mcp.telemetry.current_call import call_id

_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def begin(settings: Settings) -> None:
    """Write the log as the settings say.

    Raises:
        SettingsError: the file cannot be written.
    """
    own = logging.getLogger("descope_mcp")
    kind = _Object if settings.log_format == "json" else logging.Formatter
    form = kind(_FORM, _TIME)
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


class _Object(logging.Formatter):
    """A line for programs. Of an exception it says the kind alone."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if call := call_id.get():
            said["call"] = call
        if ids := stages.trace_ids():
            said |= {"trace_id": ids.trace, "span_id": ids.span}
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
        return json.dumps(said, ensure_ascii=False)
