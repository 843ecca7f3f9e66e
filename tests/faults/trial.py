"""One trial: workloads run on a deployment while faults come and go, and are judged when all is well again."""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import chain

from tests.faults.deployment import Deployment, Fault
from tests.faults.workload import Workload
from tests.pace import much

CALM_SECONDS = 1.0  # of work before, between and after faults
# For so long the same faults are repeated; what is then missing of the work is done in peace.
FAULTS_SECONDS = much(15.0, 120.0)
WORK_SECONDS_MAX = 3000.0


def run(
    deployment: Deployment, workloads: Sequence[Workload], faults: Sequence[str], seed: int, done_min: int = 0
) -> list[str]:
    """All broken promises. `faults`: by name, one after the other, each healed before the next, and all of them again
    for FAULTS_SECONDS, unless every workload has got `done_min` acknowledgements; they go on until then.

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
        time.sleep(CALM_SECONDS)
        for name in chain(faults, _more(workloads, faults, done_min, began + FAULTS_SECONDS)):
            print(f"{time.monotonic() - began:6.1f} s {name}")
            _strike(deployment.faults[name])
            time.sleep(CALM_SECONDS * chance.uniform(0.5, 1.5))
            for workload in workloads:
                workload.check()
        while _misses(workloads, done_min):
            assert time.monotonic() - began < WORK_SECONDS_MAX, [workload.figures() for workload in workloads]
            time.sleep(CALM_SECONDS)
            for workload in workloads:
                workload.check()
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


def _more(workloads: Sequence[Workload], faults: Sequence[str], done_min: int, until: float) -> Iterator[str]:
    """Further faults, as long as there was too little work to prove anything, and time."""
    while _misses(workloads, done_min) and time.monotonic() < until:
        yield from faults


def _misses(workloads: Sequence[Workload], done_min: int) -> bool:
    return any(workload.figures()["done"] < done_min for workload in workloads)
