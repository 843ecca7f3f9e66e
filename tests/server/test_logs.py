"""The lines of the log: facts in fields, whole tracebacks, nothing imported before it is needed."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from threading import Event

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import OutcomeUnknown
from statordb.model.unanswered import Unanswered
from statordb.server import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The root logger is the process's: give it back as it was."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One line an event, tracebacks included: what collects logs takes them apart by lines."""
    logs.configure("json", "info")
    log = logging.getLogger("statordb.test")
    log.debug("not shown")
    log.info("process died", extra={"child": "worker", "exit_code": 9})
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("it failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger"]) == ("process died", "info", "statordb.test")
    assert (first["child"], first["exit_code"]) == ("worker", 9)
    assert first["timestamp"].endswith("Z")
    assert "ValueError: broken" in second["exception"]


@pytest.mark.parametrize(
    "fault",
    [
        Unanswered("nodes are away"),
        OutcomeUnknown("nodes are away"),
        ExceptionGroup("tables", [Unanswered("nodes are away"), Unanswered("too few answered")]),
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_store_that_does_not_answer_is_told_in_a_sentence(
    form: str, fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever meets it, and however they tell of it: a fault of the server's own is not to be lost among tracebacks."""
    logs.configure(form, "info")
    try:
        raise fault
    except Exception:
        logging.getLogger("statordb.test").exception("it failed")
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert "it failed" in shown
    assert "nodes are away" in shown


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    """The form for people has the facts as well."""
    logs.configure("text", "info")
    logging.getLogger("statordb.test").warning("process died", extra={"exit_code": 9})
    shown = capsys.readouterr().err
    assert "process died" in shown
    assert "exit_code=9" in shown


def test_auto_is_json_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("auto", "info")
    logging.getLogger("statordb.test").info("started")
    assert json.loads(capsys.readouterr().err)["event"] == "started"


def test_structlog_is_not_imported_before_the_first_line() -> None:
    configure = "from statordb.server import logs; logs.configure('json', 'info')"
    look = "import sys; sys.exit('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", f"{configure}; {look}"], check=False).returncode == 0


def test_lines_in_the_background_are_all_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    logs.write_in_background()
    for number in range(100):
        logging.getLogger("statordb.test").info("line", extra={"number": number})
    logs.finish()
    assert [json.loads(line)["number"] for line in capsys.readouterr().err.splitlines()] == list(range(100))


def test_nobody_waits_for_a_reader_of_the_log_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error may be a pipe that is full; what is too much then is dropped, and told of when it goes on."""
    monkeypatch.setattr(logs, "RECORDS_MAX", 100)
    go_on, written = Event(), []

    class Stuck(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            go_on.wait(HANGS_SECONDS)
            written.append(record.getMessage())

    root = logging.getLogger()
    root.handlers[:] = [Stuck()]
    root.setLevel(logging.INFO)
    logs.write_in_background()
    log = logging.getLogger("statordb.test")
    for _ in range(logs.RECORDS_MAX + 10):
        log.info("line")
    go_on.set()
    logs.finish()
    assert "log lines were dropped" in written
    assert logs.RECORDS_MAX <= written.count("line") <= logs.RECORDS_MAX + 1
