"""What the audit log costs: one worker in memory beside two that keep one, of which one tells of data events too.

Measured in the server's own processor time for a request, as `sealed.py` does.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

import cpu
import figures
import servers
from cases import GET, PUT, USERS
from figures import Line
from load import LoadFailed, Wrk
from servers import Launch
from turns import TABLE, Bench

GROUP = "audit log, one worker, in memory"
NONE, CONTROL, DATA = "no audit log", "audit log", "audit log with data events"


def audit(bench: Bench) -> Iterator[Line]:
    """Three lines for each case. The ratio is what a request costs without an audit log, over what it costs with it."""
    with ExitStack() as stack:
        running = [bench.start_filled(stack, _launch(stack, name)) for name in (NONE, CONTROL, DATA)]
        wrk = Wrk(bench.options.seconds)
        for case in (GET, PUT):
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
            yield Line(GROUP, case.name, NONE, median(costs[NONE]), "us")
            for name in (CONTROL, DATA):
                ratio = figures.paired_ratio(costs[NONE], costs[name])
                yield Line(GROUP, case.name, name, median(costs[name]), "us", ratio=ratio, against=f"of {NONE}")


def _launch(stack: ExitStack, name: str) -> Launch:
    alone = servers.statordb(name, "--workers", "1", in_memory=True)
    if name == NONE:
        return alone
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    wanted = {"STATORDB_AUDIT_DIRECTORY": directory, "STATORDB_AUDIT_DATA_EVENTS": str(name == DATA).lower()}
    return replace(alone, environment={**alone.environment, **wanted})
