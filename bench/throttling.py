"""What throttling costs: one worker in memory that holds tables to their units, beside one that only counts them."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

import figures
import servers
from cases import GET, PUT
from costs import by_server
from figures import Line, Target
from turns import Bench

GROUP = "throttling, one worker, in memory"
OFF, ON = "off", "on"
# By case, what a request without throttling costs over what it costs with it: at least.
TARGETS: dict[str, Target | None] = {GET.name: Target(0.97), PUT.name: None}


def throttling(bench: Bench) -> Iterator[Line]:
    """Two lines for each case. The tables are on demand, and no request is refused: one that was would be an error."""
    with ExitStack() as stack:
        running = []
        for name in (OFF, ON):
            alone = servers.statordb(name, "--workers", "1", in_memory=True)
            launch = replace(alone, environment={**alone.environment, "STATORDB_THROTTLE": name})
            running.append(bench.start_filled(stack, launch))
        for case in (GET, PUT):
            costs = by_server(bench, running, case)
            ratio = figures.paired_ratio(costs[OFF], costs[ON])
            yield Line(GROUP, case.name, OFF, median(costs[OFF]), "us")
            yield Line(
                GROUP, case.name, ON, median(costs[ON]), "us",
                ratio=ratio, against=f"of {OFF}", target=TARGETS[case.name],
            )  # fmt: skip
