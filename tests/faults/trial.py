"""One trial: workloads run on a deployment while faults come and go, and are judged when all is well again."""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import chain

from tests.faults.deployment import Deployment, Fault
from tests.faults.workload import Workload
from tests.pace import much

CALM_SECONDS = 1.0  # between faults
FAULTS_SECONDS = much(0.0, 120.0)  # for which the same faults are repeated
LOOK_SECONDS = 0.1
WORK_SECONDS_MAX = 3000.0


def run(
    deployment: Deployment, workloads: Sequence[Workload], faults: Sequence[str], seed: int, done_min: int = 0
) -> list[str]:
    """All broken promises. `faults`: by name, one after the other, each healed before the next, and all of them again
    until FAULTS_SECONDS are over. Each strikes when every workload has got `done_min` acknowledgements since the one
    before, and the trial ends when it has got as many since the last.

    Prints what happened how often, which a failing test shows.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    for workload in workloads:
        workload.prepare(deployment.endpoints)
    began = time.monotonic()
    for workload in workloads:
        workload.start(chance)
    try:
        _await_work(workloads, done_min)
        for name in chain(faults, _more(faults, began + FAULTS_SECONDS)):
            print(f"{time.monotonic() - began:6.1f} s {name}")
            _strike(deployment.faults[name])
            time.sleep(CALM_SECONDS * chance.uniform(0.5, 1.5))
            _await_work(workloads, done_min)
    finally:
        for workload in workloads:
            workload.stopped.set()
    for workload in workloads:
        workload.stop()
    print(f"{time.monotonic() - began:6.1f} s all stopped")
    found = [f"{workload.name}: {each}" for workload in workloads for each in workload.violations()]
    for workload in workloads:
        print(workload.name, workload.figures())
        workload.close()
    print(f"{time.monotonic() - began:6.1f} s judged")
    return found


def _strike(fault: Fault) -> None:
    fault.harm()
    try:
        time.sleep(fault.seconds)
    finally:
        fault.heal()


def _more(faults: Sequence[str], until: float) -> Iterator[str]:
    while faults and time.monotonic() < until:
        yield from faults


def _await_work(workloads: Sequence[Workload], done_min: int) -> None:
    """Until each has got so many acknowledgements from now on."""
    until = time.monotonic() + WORK_SECONDS_MAX
    wanted = [workload.figures()["done"] + done_min for workload in workloads]
    while True:
        for workload in workloads:
            workload.check()
        if all(workload.figures()["done"] >= least for workload, least in zip(workloads, wanted, strict=True)):
            return
        assert time.monotonic() < until, [workload.figures() for workload in workloads]
        time.sleep(LOOK_SECONDS)
