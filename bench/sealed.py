"""What sealing costs: one worker in memory, beside one whose rows are not sealed (`unsealed.py`)."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import figures
import servers
from cases import CASES
from costs import by_server
from figures import Line, Target
from turns import Bench

GROUP = "sealed, one worker, in memory"
SEALED, UNSEALED = "StatorDB", "rows not sealed"
TARGETS = {"GetItem": Target(0.88), "PutItem": Target(0.87), "UpdateItem": Target(0.85), "Query": Target(0.85)}


def sealed(bench: Bench) -> Iterator[Line]:
    """Two lines for each case. The ratio is what a request costs without sealing, over what it costs with it: that of
    the rates, where the processor is what bounds them."""
    with ExitStack() as stack:
        launches = [servers.unsealed(UNSEALED), servers.statordb(SEALED, "--workers", "1", in_memory=True)]
        running = [bench.start_filled(stack, launch) for launch in launches]
        for case in CASES:
            costs = by_server(bench, running, case)
            yield Line(GROUP, case.name, UNSEALED, median(costs[UNSEALED]), "us")
            yield Line(
                GROUP,
                case.name,
                SEALED,
                median(costs[SEALED]),
                "us",
                ratio=figures.paired_ratio(costs[UNSEALED], costs[SEALED]),
                against=f"of {UNSEALED}",
                target=TARGETS[case.operation],
            )
