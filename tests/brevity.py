"""Tests not marked slow take a quarter of a second of the processor's time at most; failures are shown at once.

What counts is the time of the test's own process, so that neither a busy machine nor what a test waits for makes one
fail; a machine that is slower than the one the bound was made on gets as much more. Where others keep the machine busy,
even that says little: then what was too long is told at the end, and fails nothing.
"""

import gc
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis.strategies import characters
from tests.slowness import LOAD_MAX, is_exact, load, slowness

CPU_SECONDS_MAX = 0.25  # of the call of one test
FAILS_TIMES = 10.0  # so many times as long fails in a run of everything
SPENT = "cpu_seconds"  # user property of a report: what was too long, and not held against the test

# The suites that see the server from outside: of theirs, the process of the test is a client of any size.
OUTSIDE = frozenset(
    (
        *("api_suite", "cassandra", "consumers", "crash", "faults", "fuzz", "kinesis", "lambda_suite", "sdk"),
        *("triggers", "alternator", "hostile", "console"),
    )
)


def is_judged(item: pytest.Item) -> bool:
    folder = Path(item.nodeid).parts[1:2]
    return not any(item.get_closest_marker(name) for name in ("slow", "cassandra")) and OUTSIDE.isdisjoint(folder)


class Clock:
    """The processor's time of this process, less what full collections took: those are of all that the session holds,
    and any test may be the one that meets them."""

    def __init__(self) -> None:
        self._collected = 0.0
        self._began = 0.0
        gc.callbacks.append(self._collects)

    def __call__(self) -> float:
        return time.process_time() - self._collected

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < 2:
            return
        if phase == "start":
            self._began = time.process_time()
        else:
            self._collected += time.process_time() - self._began


class Brevity:
    """In the process that runs tests: a test that takes too long fails. `imported`: how many modules there are."""

    def __init__(
        self,
        clock: Callable[[], float],
        calibrate: Callable[[], float] = slowness,
        load: Callable[[], float] = load,
        imported: Callable[[], int] = lambda: len(sys.modules),
        fails_times: float = 1.0,
    ) -> None:
        self._clock = clock
        self._calibrate = calibrate
        self._load = load
        self._imported = imported
        self._fails_times = fails_times
        self._slowness = calibrate()

    def pytest_collection_finish(self) -> None:
        """Have Hypothesis make its table of characters, once for each checkout: two seconds that are no test's own."""
        characters(codec="utf-8").validate()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        modules = self._imported()
        began = self._clock()
        result = yield
        spent = self._clock() - began
        # Who comes first imports for all that follow: that is no test's own time.
        if spent > CPU_SECONDS_MAX and self._imported() == modules and is_judged(item):
            self._judge(item, spent)
        return result

    def _judge(self, item: pytest.Item, spent: float) -> None:
        self._slowness = max(self._slowness, self._calibrate())  # it may have become slower since we looked
        bound = CPU_SECONDS_MAX * self._slowness
        if spent <= bound:
            return
        if self._load() > LOAD_MAX or spent <= bound * self._fails_times:
            item.user_properties.append((SPENT, spent))
            return
        pytest.fail(
            f"The test took {spent:.2f} s of the processor's time, and {bound:.2f} s is what it may on this machine: "
            "make it smaller, or mark it slow.",
            pytrace=False,
        )


class Reporter:
    """In the process that was called: shows each failure when it happens, and at the end what was too long."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._too_long: list[tuple[str, float]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.write_line("")
            self._terminal.write_sep("-", f"{report.nodeid} failed ({report.when})", red=True)
            self._terminal.write_line(report.longreprtext)
        if report.when == "call":
            self._too_long += [
                (report.nodeid, float(str(value))) for name, value in report.user_properties if name == SPENT
            ]

    def pytest_terminal_summary(self) -> None:
        if self._too_long:
            self._terminal.section(
                f"longer than {CPU_SECONDS_MAX} s, where that is not sure to be the test's own doing"
            )
            for nodeid, spent in sorted(self._too_long, key=lambda found: -found[1]):
                self._terminal.write_line(f"{spent:6.2f} s  {nodeid}")


def install(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if not hasattr(config, "workerinput"):  # xdist's workers report to the process that was called
        if terminal is not None:
            config.pluginmanager.register(Reporter(terminal), "statordb-reporter")
        if config.getoption("numprocesses", None):
            return
    judge = Brevity(Clock(), fails_times=1.0 if is_exact() else FAILS_TIMES)
    config.pluginmanager.register(judge, "statordb-brevity")
