"""Logs on standard error: JSON lines, or text for people.

Every part logs through the standard `logging` module: a static event as the message, facts in `extra`. structlog, which
gives the lines their form, is imported with the first line that is written: it costs 15 to 90 ms, and a start has no
time for that.
"""

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LineFormatter(logging.Formatter):
    """One log record as one line; the form of the lines is made with the first of them."""

    def __init__(self, json_lines: bool) -> None:
        super().__init__()
        self._json_lines = json_lines
        self._formatter: ProcessorFormatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._formatter is None:
            self._formatter = _formatter(self._json_lines)
        return self._formatter.format(record)


def configure(form: str, level: str) -> None:
    """Send log records of `level` and above to standard error. `form`: json, text, or auto (text on a terminal)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(form == "json" or (form == "auto" and not sys.stderr.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    logging.raiseExceptions = False  # a closed standard error must not end a request


def _formatter(json_lines: bool) -> "ProcessorFormatter":
    from structlog import dev, processors, stdlib

    shared: list[Any] = [
        stdlib.add_log_level,
        stdlib.add_logger_name,
        stdlib.ExtraAdder(),
        processors.TimeStamper("iso", utc=True),
    ]
    last: list[Any] = [stdlib.ProcessorFormatter.remove_processors_meta]
    if json_lines:
        last += [processors.format_exc_info, processors.JSONRenderer(default=str)]
    else:
        last.append(dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=dev.plain_traceback))
    return stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
