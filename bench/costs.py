"""What requests cost a server of its own processor time, which a busy machine changes less than a rate."""

from collections.abc import Callable, Sequence

import cpu
from cases import USERS, Case
from load import LoadFailed, Sample, Wrk
from servers import Running
from turns import TABLE, Bench


def cost(bench: Bench, server: Running, label: str, load: Callable[[], Sample]) -> float:
    """Microseconds for each request of a load. Raises LoadFailed where one of them failed."""
    before = cpu.group_seconds(server.process.pid)
    sample = load()
    if sample.errors:
        raise LoadFailed(f"{label}: {sample.errors} errors")
    used = cpu.group_seconds(server.process.pid) - before
    found = used / (sample.rate * bench.options.seconds) * 1e6
    bench.say(f"{label}: {found:.1f} us, {sample.rate:,.0f} req/s")
    return found


def by_server(bench: Bench, running: Sequence[Running], case: Case) -> dict[str, list[float]]:
    """Of each round, in microseconds for each request, by the servers' names: they take turns."""
    wrk = Wrk(bench.options.seconds)
    costs: dict[str, list[float]] = {server.name: [] for server in running}
    for turn in range(bench.options.rounds + 1):  # the first warms up
        for server in running:

            def load(server: Running = server) -> Sample:
                return wrk.run(server, bench.signer, case.operation, TABLE, USERS)

            found = cost(bench, server, f"round {turn}: {server.name}, {case.name}", load)
            if turn:
                costs[server.name].append(found)
    return costs
