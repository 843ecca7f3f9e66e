"""What the audit log costs: one worker in memory beside two that keep one, of which one tells of data events too."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

import figures
import servers
from cases import GET, PUT
from costs import by_server
from figures import Line
from servers import Launch
from turns import Bench

GROUP = "audit log, one worker, in memory"
NONE, CONTROL, DATA = "no audit log", "audit log", "audit log with data events"


def audit(bench: Bench) -> Iterator[Line]:
    """Three lines for each case. The ratio is what a request costs without an audit log, over what it costs with it."""
    with ExitStack() as stack:
        running = [bench.start_filled(stack, _launch(stack, name)) for name in (NONE, CONTROL, DATA)]
        for case in (GET, PUT):
            costs = by_server(bench, running, case)
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
