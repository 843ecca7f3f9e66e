"""Requests per second: one worker beside the floor, two workers beside one, whole servers beside whole servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import ceiling
import figures
import servers
from cases import CASES, GET, QUERY, USERS, Case
from figures import Line
from load import Wrk
from peers import Peer
from servers import Launch
from turns import TABLE, Bench, Outcome, Turn, missing_lines

ON_DISK, IN_MEMORY = "peers, on disk", "peers, in memory"
# The kernel spreads connections over workers by chance: of only 16, one worker would often hold most. And one thread of
# wrk would itself be the limit.
WORKERS_CONNECTIONS, WORKERS_THREADS = 64, 2


def floor(bench: Bench) -> Iterator[Line]:
    """One worker with signatures checked, beside the floor."""
    group, ours, yardstick = "floor", "StatorDB, 1 worker", "floor"
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        launches = [servers.floor(), servers.statordb(ours, "--workers", "1")]
        running = bench.start_those_that_can(stack, launches, missing)
        turns = [
            Turn(server, case.operation)
            for case in CASES
            for server in running
            if server.speaks_api or case.operation == case.floor_operation
        ]
        outcome = bench.take(Wrk(bench.options.seconds), turns)
    yield from missing_lines(group, missing)
    for case in CASES:
        base, mine = outcome.of(yardstick, case.floor_operation), outcome.of(ours, case.operation)
        if base and case.operation == case.floor_operation:
            yield figures.line(group, case.name, yardstick, base)
        if base and mine:
            target = figures.FLOOR_TARGETS[case.operation]
            yield figures.line(group, case.name, ours, mine, (f"floor {case.floor_operation}", base), target)
    yield from outcome.faults(group)


def workers(bench: Bench) -> Iterator[Line]:
    """Two workers beside one, for reads; and the most that two can come to beside the load."""
    group, one, two = "workers", "StatorDB, 1 worker", "StatorDB, 2 workers"
    missing: dict[str, str] = {}
    wrk = Wrk(bench.options.seconds, WORKERS_THREADS, WORKERS_CONNECTIONS)
    lines: list[Line] = []
    with ExitStack() as stack:
        launches = [servers.statordb(one, "--workers", "1"), servers.statordb(two, "--workers", "2")]
        running = bench.start_those_that_can(stack, launches, missing)
        turns = [Turn(server, case.operation) for case in (GET, QUERY) for server in running]
        outcome = bench.take(wrk, turns)
        for case in (GET, QUERY):
            base, mine = outcome.of(one, case.operation), outcome.of(two, case.operation)
            if base and mine:
                lines.append(figures.line(group, case.name, one, base))
                target = figures.WORKERS_TARGET if case is GET else None
                lines.append(figures.line(group, case.name, two, mine, (one, base), target))
                load = partial(wrk.run, running[1], bench.signer, case.operation, TABLE, USERS)
                lines += ceiling.most(bench, group, case.name, (one, base), running[1], load)
    yield from missing_lines(group, missing)
    yield from lines
    yield from outcome.faults(group)


def disk(bench: Bench) -> Iterator[Line]:
    """Default workers, an fsync before each answer, beside the peers with their data on disk."""
    return _beside_peers(bench, ON_DISK, servers.statordb("StatorDB --data"), lambda peer: peer.on_disk)


def memory(bench: Bench) -> Iterator[Line]:
    """Default workers with --memory, beside the peers in memory."""
    ours = servers.statordb("StatorDB --memory", in_memory=True)
    return _beside_peers(bench, IN_MEMORY, ours, lambda peer: peer.in_memory)


def _beside_peers(bench: Bench, group: str, ours: Launch, choose: Callable[[Peer], Launch]) -> Iterator[Line]:
    peers, missing = bench.peers()
    with ExitStack() as stack:
        running = bench.start_those_that_can(stack, [ours, *map(choose, peers)], missing)
        turns = [Turn(server, case.operation) for case in CASES for server in running]
        outcome = bench.take(Wrk(bench.options.seconds), turns)
    for case in CASES:
        yield from _peer_lines(group, case, ours.name, [peer.name for peer in peers], outcome)
    yield from missing_lines(group, missing)
    yield from outcome.faults(group)


def _peer_lines(group: str, case: Case, ours: str, peers: list[str], outcome: Outcome) -> Iterator[Line]:
    """StatorDB's line, then each peer's with StatorDB's rate over it."""
    mine = outcome.of(ours, case.operation)
    if mine:
        yield figures.line(group, case.name, ours, mine)
    for name in peers:
        theirs = outcome.of(name, case.operation)
        if not theirs:
            continue
        plain = figures.line(group, case.name, name, theirs)
        if mine:
            ratio = figures.paired_ratio(figures.rates(mine), figures.rates(theirs))
            target = figures.peer_target(name, case.operation, on_disk=group == ON_DISK)
            plain = replace(plain, ratio=ratio, against="StatorDB over it", target=target)
        yield plain
