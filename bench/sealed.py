"""What sealing costs: one worker in memory, beside one whose rows are not sealed (`unsealed.py`).

Measured in the server's own processor time for a request, which a busy machine changes less than a rate.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import cpu
import figures
import servers
from cases import CASES, USERS
from figures import Line, Target
from load import LoadFailed, Wrk
from turns import TABLE, Bench

GROUP = "sealed, one worker, in memory"
SEALED, UNSEALED = "StatorDB", "rows not sealed"
TARGETS = {"GetItem": Target(0.88), "PutItem": Target(0.87), "UpdateItem": Target(0.85), "Query": Target(0.85)}


def sealed(bench: Bench) -> Iterator[Line]:
    """Two lines for each case. The ratio is what a request costs without sealing, over what it costs with it: that of
    the rates, where the processor is what bounds them."""
    with ExitStack() as stack:
        launches = [servers.unsealed(UNSEALED), servers.statordb(SEALED, "--workers", "1", in_memory=True)]
        running = [bench.start_filled(stack, launch) for launch in launches]
        wrk = Wrk(bench.options.seconds)
        for case in CASES:
            costs: dict[str, list[float]] = {server.name: [] for server in running}
            for turn in range(bench.options.rounds + 1):  # the first warms up
                for server in running:
                    before = cpu.group_seconds(server.process.pid)
                    sample = wrk.run(server, bench.signer, case.operation, TABLE, USERS)
                    if sample.errors:
                        raise LoadFailed(f"{server.name}, {case.name}: {sample.errors} errors")
                    used = cpu.group_seconds(server.process.pid) - before
                    cost = used / (sample.rate * bench.options.seconds) * 1e6
                    bench.say(f"round {turn}: {server.name}, {case.name}: {cost:.1f} us, {sample.rate:,.0f} req/s")
                    if turn:
                        costs[server.name].append(cost)
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
