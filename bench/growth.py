"""Whether a read costs more when more is stored: GetItem's p99 over a small and a large table of one server."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

import figures
import servers
from cases import GET, USERS
from figures import Line
from load import Client, LoadFailed, Wrk, create_table, fill, verify
from servers import Unavailable
from turns import Bench, Turn, missing_lines

GROUP = "growth"
SMALL, LARGE = "small", "large"


def growth(bench: Bench) -> Iterator[Line]:
    """GetItem over 10 thousand items and over many more, in turns on one server."""
    name = "StatorDB, 1 worker"
    try:
        with ExitStack() as stack:
            server = bench.start(stack, servers.statordb(name, "--workers", "1"))
            client = Client(server.host, bench.signer)
            held: dict[str, int] = {}
            for table, items in ((SMALL, USERS), (LARGE, bench.options.large_items)):
                bench.say(f"filling a table with {items:,} items")
                create_table(client, table)
                held[table] = fill(server, bench.signer, table, items, bench.options.fill_seconds_max)
                verify(server, bench.signer, table, min(held[table], USERS))
            turns = [Turn(server, GET.operation, table, users) for table, users in held.items()]
            outcome = bench.take(Wrk(bench.options.seconds), turns)
    except (Unavailable, LoadFailed) as reason:
        yield from missing_lines(GROUP, {name: str(reason)})
        return
    small, large = outcome.of(name, GET.operation, SMALL), outcome.of(name, GET.operation, LARGE)
    if small and large:
        ratio = median(many.p99_ms / few.p99_ms for few, many in zip(small, large, strict=True))
        yield figures.line(GROUP, f"GetItem, {held[SMALL]:,} items", name, small)
        line = figures.line(GROUP, f"GetItem, {held[LARGE]:,} items", name, large)
        yield replace(line, ratio=ratio, against="p99, small table", target=figures.GROWTH_TARGET)
    yield from outcome.faults(GROUP)
