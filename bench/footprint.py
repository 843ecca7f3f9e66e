"""How soon a server answers after it is started, and what its processes hold in memory when nothing is asked."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import figures
import memory
import servers
from figures import Line
from servers import Launch, Unavailable
from turns import Bench, missing_lines

GROUP = "footprint"
STARTS = 3
SETTLE_SECONDS = 1.0
MB = 1_000_000


def footprint(bench: Bench) -> Iterator[Line]:
    """Start to first answer, and idle memory, of StatorDB and the peers."""
    peers, missing = bench.peers()
    ours = [servers.statordb("StatorDB, 1 worker", "--workers", "1"), servers.statordb("StatorDB --data")]
    for launch in (*ours, *(peer.on_disk for peer in peers)):
        try:
            yield from _measure(bench, launch, is_ours=launch in ours)
        except Unavailable as reason:
            missing[launch.name] = str(reason)
    yield from missing_lines(GROUP, missing)


def _measure(bench: Bench, launch: Launch, is_ours: bool) -> Iterator[Line]:
    bench.say(f"starting {launch.name} {STARTS} times")
    seconds: list[float] = []
    processes: list[memory.Process] = []
    for _ in range(STARTS):
        with ExitStack() as stack:
            running = bench.start(stack, launch)
            seconds.append(running.start_seconds)
            if len(seconds) == STARTS:
                time.sleep(SETTLE_SECONDS)
                processes = memory.tree(running.process.pid)
    start_target = figures.START_TARGET if is_ours else None
    yield Line(GROUP, "start to first answer", launch.name, median(seconds), "s", target=start_target)
    largest = max(process.rss for process in processes) / MB
    memory_target = figures.WORKER_MEMORY_TARGET if is_ours else None
    yield Line(GROUP, "idle memory, largest process (RSS)", launch.name, largest, "MB", target=memory_target)
    total = sum(process.pss for process in processes) / MB
    count = f"{len(processes)} processes" if len(processes) > 1 else "1 process"
    yield Line(GROUP, "idle memory, all processes (PSS)", launch.name, total, "MB", note=count)
