"""Bad requests in masses over real sockets: no internal error, no lost worker, no growing memory.

FUZZ_REQUESTS sets how many; FUZZ_SEED repeats a run, FUZZ_ONLY=<number> one request of it.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.fuzz.mutation import framed, spoil_text, spoil_tree, spoil_wire, written
from tests.fuzz.requests import TABLE, any_request, definition
from tests.fuzz.traffic import Shot, Tally, fire
from tests.pace import much
from tests.process import ServerProcess, anonymous_kib
from tests.raw import Connection

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", much("30000", "1000000")))
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.randrange(1, 2**32)
ONLY = os.environ.get("FUZZ_ONLY")
CONNECTIONS = 8
# The first FRESH requests are all different. The others repeat the words of the last WORDS_KEPT of them, spoiled anew:
# so the server's caches of compiled expressions are full at the half, and what grows behind it is none of them.
FRESH = REQUESTS * 3 // 10
WORDS_KEPT = min(2500, FRESH or 1)
TEXT_BYTES_MAX = 1_000_000  # longer is cut: one huge body leaves a hole in the heap that would look like growth
GROWTH_KIB_MAX = 8 * 1024  # of one process, from the half to the end


def _shot(number: int) -> Shot:
    """The request of this number: of 20, two bad on the wire, two as text, seven as a tree."""
    words = number if number < FRESH else FRESH - number % WORDS_KEPT
    operation, body = any_request(random.Random(f"{SEED}-words-{words}"))
    chance = random.Random(f"{SEED}-{number}")
    roll = chance.random()
    if 0.2 <= roll < 0.55:
        body = spoil_tree(chance, body)
    text = written(chance, body)[:TEXT_BYTES_MAX]
    if roll < 0.1:
        return Shot(number, spoil_wire(chance, framed(operation, text)), False)
    if roll < 0.2:
        text = spoil_text(chance, text)
    return Shot(number, framed(operation, text), True)


def _shots(first: int, last: int) -> Iterator[Shot]:
    """One request after another; the time that making them takes is the client's, not the server's."""
    return map(_shot, range(first, last))


def _children(server: ServerProcess) -> dict[int, str]:
    found = server.descendants()
    assert found
    return found


def _memory(server: ServerProcess) -> dict[int, int]:
    """Private KiB of every process of the server."""
    return {pid: anonymous_kib(pid) for pid in (server.pid, *_children(server))}


def _run(server: ServerProcess, first: int, last: int, tally: Tally) -> None:
    asyncio.run(fire(server.url, _shots(first, last), CONNECTIONS, tally))
    assert not tally.faults, f"FUZZ_SEED={SEED}:\n" + "\n".join(tally.faults) + "\n" + server.logged()[-5000:]


def _varied(outcomes: Counter[str]) -> None:
    """A fuzz whose requests all die at the first check would prove nothing."""
    total = sum(outcomes.values())
    for outcome, share in (("200", 0.1), ("400 ValidationException", 0.2), ("400 SerializationException", 0.05)):
        assert outcomes[outcome] > share * total, outcomes
    for outcome in ("ConditionalCheckFailedException", "TransactionCanceledException", "ResourceNotFoundException"):
        assert outcomes[f"400 {outcome}"] > 0, outcomes


@pytest.mark.slow
@pytest.mark.timeout(much(3600, 14_400))
def test_masses_of_bad_requests() -> None:
    print(f"FUZZ_SEED={SEED}")
    tally = Tally()
    with ServerProcess("--memory", "--workers", "2") as server:
        Connection(server.url).ask("CreateTable", {**definition(TABLE), "DeletionProtectionEnabled": True})
        if ONLY:
            _run(server, int(ONLY), int(ONLY) + 1, tally)
            return
        started = _children(server)
        begun = time.monotonic()
        _run(server, 0, REQUESTS // 2, tally)
        half = _memory(server)
        _run(server, REQUESTS // 2, REQUESTS, tally)
        end = _memory(server)
        print(f"{REQUESTS / (time.monotonic() - begun):.0f} requests/s, KiB {half} -> {end}, {tally.outcomes}")
        living = _children(server)
        assert started.items() <= living.items(), "a process of the server was replaced"
        for pid, before in half.items():
            if pid not in started and pid not in living:
                continue  # a lane, which comes when it is needed, and goes
            assert end[pid] - before < GROWTH_KIB_MAX, (half, end, started)
        status, _ = Connection(server.url).call("DescribeTable", {"TableName": TABLE})
        assert status == 200
        assert "Traceback" not in server.logged(), server.logged()[-5000:]
    _varied(tally.outcomes)
