"""Faults of a single server over its embedded store: nothing acknowledged is lost, doubled, torn or out of order."""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults import accounts, ledger
from tests.faults.accounts import Accounts
from tests.faults.appends import Appends
from tests.faults.availability import Availability
from tests.faults.counters import Counters
from tests.faults.deployment import Embedded, Fault
from tests.faults.ledger import Ledger
from tests.faults.registers import Registers
from tests.faults.trial import run
from tests.pace import much, until

# Between two faults: fewer of any kind would prove nothing.
STEPS_MIN = much(1_000, 10_000)
DONE_MIN = much(50, 300)
LOST_MIN = 50  # by a store that is set back: enough that each judge must find some


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Embedded]:
    made = Embedded(tmp_path / "data")
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["server killed", "server paused", "server slow", "server cut from its clients"])
def test_no_promise_is_broken(deployment: Embedded, fault: str) -> None:
    workloads = [Counters(), Accounts(), Appends(), Ledger()]
    assert run(deployment, workloads, [fault] * 2, random.randrange(2**32), DONE_MIN) == []


@pytest.mark.slow
def test_registers_are_linearizable(deployment: Embedded) -> None:
    """By every fault in one history, since what one leaves behind may be what the next one meets."""
    assert run(deployment, [Registers()], list(deployment.faults), random.randrange(2**32), STEPS_MIN) == []


@pytest.mark.slow
def test_an_sdk_is_served(deployment: Embedded) -> None:
    assert run(deployment, [Availability()], [], random.randrange(2**32), DONE_MIN) == []


@pytest.mark.slow
def test_a_store_that_forgets_is_found_out(
    deployment: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial itself is tried: the store is set back to what it was a second before."""
    for module in (accounts, ledger):  # whose indexes may never become what was asked for
        monkeypatch.setattr(module, "SETTLE_SECONDS_MAX", 1.0)
    older = tmp_path / "older"
    workloads = [Counters(), Accounts(), Appends(), Ledger(), Registers()]

    def done() -> list[int]:
        return [workload.figures()["done"] for workload in workloads]

    def set_back() -> None:
        until(lambda: all(count >= LOST_MIN for count in done()), "all work")
        deployment.server.kill()
        shutil.copytree(deployment.data, older)
        before = done()
        deployment.server.start()
        time.sleep(1.0)
        until(lambda: all(now >= then + LOST_MIN for then, now in zip(before, done(), strict=True)), "all work")
        deployment.server.kill()
        shutil.rmtree(deployment.data)
        older.rename(deployment.data)

    deployment.faults["store set back"] = Fault("store set back", set_back, deployment.server.start, 0.0)
    found = "\n".join(run(deployment, workloads, ["store set back"], random.randrange(2**32)))
    for workload in workloads:
        assert f"{workload.name}: " in found
