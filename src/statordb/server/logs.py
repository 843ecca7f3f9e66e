"""Logs on standard error: JSON lines, or text for people.

Every part logs through the standard `logging` module: a static event as the message, facts in `extra`. structlog, which
gives the lines their form, is imported with the first line that is written: it costs 15 to 90 ms, and a start has no
time for that. Nor has an event loop, and whoever is to read the lines may stop reading: so processes that answer
requests have them written in a thread.
"""

import logging
import sys
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from statordb.server import reports

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter

RECORDS_MAX = 10_000  # of a process, that wait to be written; what comes beyond is dropped, and counted
FINISH_SECONDS_MAX = 1.0  # that a process which ends gives the last lines

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """One log record as one line; the form of the lines is made with the first of them."""

    def __init__(self, json_lines: bool) -> None:
        super().__init__()
        self._json_lines = json_lines
        self._formatter: ProcessorFormatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._formatter is None:
            self._formatter = _formatter(self._json_lines)
        return self._formatter.format(_without_traceback(record))


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    """The record, whoever has told of a store that does not answer: that is no fault of the server's, and a sentence
    says all of it."""
    fault = record.exc_info[1] if record.exc_info else None
    if fault is None or not reports.is_unanswered(fault):
        return record
    told = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
    told.reason = reports.reason(fault)
    return told


class Background(logging.Handler):
    """Has `target` handle records in a thread, which is started with the first of them."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__(target.level)
        self._target = target
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._records.qsize() >= RECORDS_MAX:
            self._dropped += 1
            return
        self._records.put(record)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="log", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Let the thread write what waits, and end."""
        if self._thread is not None:
            self._records.put(None)
            self._thread.join(FINISH_SECONDS_MAX)

    def _run(self) -> None:
        while (record := self._records.get()) is not None:
            self._target.handle(record)
            dropped, self._dropped = self._dropped, 0
            if dropped:
                self._target.handle(_told("log lines were dropped", {"lines": dropped}))


def _told(event: str, facts: dict[str, object]) -> logging.LogRecord:
    """A record that goes no way through a logger."""
    return log.makeRecord(log.name, logging.WARNING, __file__, 0, event, (), None, extra=facts)


def write_in_background() -> None:
    """Never wait for a line to be written, in this process, from here on. To be called after a fork."""
    root = logging.getLogger()
    root.handlers[:] = [Background(handler) for handler in root.handlers]


def finish() -> None:
    """Give the lines that wait a moment to be written: this process ends."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Background):
            handler.finish()


def configure(form: str, level: str) -> None:
    """Send log records of `level` and above to standard error. `form`: json, text, or auto (text on a terminal)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(form == "json" or (form == "auto" and not sys.stderr.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    logging.raiseExceptions = False  # a closed standard error must not end a request


def _stamp(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The time of the event: its line may be written later."""
    moment = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _formatter(json_lines: bool) -> "ProcessorFormatter":
    from structlog import dev, processors, stdlib

    shared: list[Any] = [
        stdlib.add_log_level,
        stdlib.add_logger_name,
        stdlib.ExtraAdder(),
        _stamp,
    ]
    last: list[Any] = [stdlib.ProcessorFormatter.remove_processors_meta]
    if json_lines:
        last += [processors.format_exc_info, processors.JSONRenderer(default=str)]
    else:
        last.append(dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=dev.plain_traceback))
    return stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
