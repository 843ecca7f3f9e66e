"""What a function's process is like when the runtime begins."""

import os
import signal
import subprocess
import sys

from tests.pace import HANGS_SECONDS

from statordb.runtime.process import CONFINING


def launch(script: str, server: int | None = None) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-S", str(CONFINING), str(server or os.getpid()), "", "/bin/sh", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, timeout=HANGS_SECONDS, start_new_session=True)


def test_a_process_is_bounded() -> None:
    assert launch("ulimit -c; ulimit -n; cat /proc/self/oom_score_adj").stdout.split() == ["0", "1024", "500"]


def test_signals_that_the_server_ignores_work() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert launch("kill -INT $$; echo deaf").stdout == ""
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_process_whose_server_has_gone_does_not_begin() -> None:
    done = launch("echo begun", server=1)
    assert (done.returncode, done.stdout) == (126, "")


def test_a_program_that_cannot_be_run_is_told() -> None:
    words = [sys.executable, "-I", "-S", str(CONFINING), str(os.getpid()), "", "/etc/passwd"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert (done.returncode, done.stderr) == (126, "/etc/passwd can't be run: Permission denied\n")
