"""The lines of the log: facts in fields, whole tracebacks, nothing imported before it is needed."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

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


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
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
