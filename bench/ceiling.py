"""What workers can come to at most on this machine, where the load has the same cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import cpu
import figures
from figures import Line
from load import LoadFailed, Sample
from servers import Running
from turns import Bench


def most(
    bench: Bench, group: str, case: str, one: tuple[str, Sequence[Sample]], server: Running, load: Callable[[], Sample]
) -> Iterator[Line]:
    """Lines of what `wrk` takes of the processor for a request, and of the rate at which it and the workers would keep
    all cores busy: beside that of one worker, the most that several can come to here. `load`: puts one round of it on
    the server. Raises LoadFailed."""
    cores = len(os.sched_getaffinity(0))
    loads, rates = [], []
    for turn in range(bench.options.rounds):
        before, served_before = _of_children(), cpu.group_seconds(server.process.pid)
        sample = load()
        if sample.errors:
            raise LoadFailed(f"{server.name}: {sample.errors} errors")
        requests = sample.rate * bench.options.seconds
        loading = (_of_children() - before) / requests
        serving = (cpu.group_seconds(server.process.pid) - served_before) / requests
        loads.append(loading * 1e6)
        rates.append(cores / (loading + serving))
        bench.say(f"round {turn}: {server.name}, {case}: {serving * 1e6:.1f} us, and {loads[-1]:.1f} us of the load")
    name, base = one
    yield Line(group, case, "wrk", median(loads), "us")
    ratio = figures.paired_ratio(rates, figures.rates(base))
    yield Line(group, case, f"{server.name}, at most", median(rates), ratio=ratio, against=name)


def _of_children() -> float:
    """Seconds of the processor that ended processes of this one have used, as each wrk is."""
    times = os.times()
    return times.children_user + times.children_system
