"""Whatever the batches, lanes, failures and restarts: every record succeeds at least once, and first comes in order."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.keeper.trigger_stage import Failed, Stage, names

from statordb.model.invocation import Throttled

FAILURES_MAX = 12


class Unsteady:
    """A function that fails in every way, at random, some times; then it is well."""

    def __init__(self, seed: int, failures: int) -> None:
        self.random = random.Random(seed)
        self.failures = failures
        self.first: dict[str, list[int]] = {}  # by item: its values, as they were first seen
        self.done: set[str] = set()
        self.seen: set[str] = set()

    def __call__(self, event: dict[str, Any]) -> Any:
        records = names(event)
        if self.failures and self.random.random() < 0.5:
            self.failures -= 1
            way = self.random.choice(("busy", "fails", "reports"))
            if way == "busy":
                raise Throttled("ConcurrentInvocationLimitExceeded")
            self.note(records)
            if way == "fails":
                raise Failed
            index = self.random.randrange(len(records))
            self.done.update(records[:index])
            return {"batchItemFailures": [{"itemIdentifier": event["Records"][index]["dynamodb"]["SequenceNumber"]}]}
        self.note(records)
        self.done.update(records)
        return None

    def note(self, records: list[str]) -> None:
        for record in records:
            if record not in self.seen:
                self.seen.add(record)
                self.first.setdefault(record[0], []).append(int(record[1:]))


@contextmanager
def staged() -> Iterator[Stage]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    stage = Stage(directory)
    try:
        yield stage
    finally:
        stage.close()
        shutil.rmtree(directory)


step = st.one_of(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=8),
    st.sampled_from(["restart", "crash", "roll", "wait"]),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(step, min_size=1, max_size=8),
    batch_size=st.integers(1, 6),
    lanes=st.integers(1, 4),
    bisects=st.booleans(),
    failures=st.integers(0, FAILURES_MAX),
    seed=st.integers(0, 1000),
)
def test_every_record_succeeds_and_first_comes_in_order(
    steps: list[Any], batch_size: int, lanes: int, bisects: bool, failures: int, seed: int
) -> None:
    written: list[str] = []
    function = Unsteady(seed, failures)
    with staged() as stage:
        stage.function.script = function
        stage.function.seconds = 0.05
        stage.map(batch_size=batch_size, lanes=lanes, bisects=bisects, reports_failures=True)
        for action in steps:
            if action == "roll":
                stage.roll()
            elif action in ("restart", "crash"):
                getattr(stage, action)()
            elif action != "wait":
                for key in action:
                    written.append(f"{key}{len(written)}")
                    stage.put(written[-1])
            stage.run(0.5 if action == "wait" else 0.04)
        stage.until(lambda: function.done >= set(written))
        assert all(values == sorted(values) for values in function.first.values())
        assert stage.faults == []
