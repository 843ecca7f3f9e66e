"""kill -9 of the whole server under load, many times over the same store: nothing acknowledged is lost or torn."""

import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.crash.history import History, LedgerKey, State, ledger_key, merge, settle, violations
from tests.crash.load import Client
from tests.crash.schema import (
    COUNTERS,
    GLOBAL,
    LATE,
    LEDGER,
    LOCAL,
    PAIRS,
    Index,
    Item,
    add_late_index,
    create_tables,
    delete_late_index,
    index_status,
    scan,
)
from tests.pace import HANGS_SECONDS, much, until
from tests.process import ServerProcess
from tests.raw import Connection

ROUNDS = much(8, 40)
CLIENTS = 8
LOAD_SECONDS = (0.3, 1.1)  # a kill comes somewhere in between
VALUES_MIN = 300  # written in a round before the kill
WRITES_MIN = 20 * ROUNDS  # fewer would make this test prove nothing


def _server(directory: Path) -> ServerProcess:
    return ServerProcess("--data", str(directory), "--workers", "2")


def _await_index(connection: Connection, index: Index, status: str) -> None:
    until(lambda: index_status(connection, index) == status, f"index {index.name} becomes {status or 'gone'}")


def _has_late_index(rounds: int) -> bool:
    """Whether the index that comes and goes must be there after so many rounds."""
    return rounds % 4 in (2, 3)


def _state(connection: Connection, rounds: int) -> State:
    """All that the store holds after so many rounds, once its index building has come to rest."""
    late = _has_late_index(rounds)
    _await_index(connection, LATE, "ACTIVE" if late else "")
    indexes = [*LOCAL, *GLOBAL, *([LATE] if late else [])]
    return State(
        ledger=scan(connection, LEDGER),
        pairs=scan(connection, PAIRS),
        counters=scan(connection, COUNTERS),
        indexes=[(index, scan(connection, LEDGER, index)) for index in indexes],
    )


def _known(history: History, number: int) -> dict[LedgerKey, Item | None]:
    """What this client owns of the ledger."""
    return {key: item for key, item in history.ledger.items() if key[0].startswith(f"client-{number}-")}


def _load_and_kill(server: ServerProcess, history: History, turn: int, chance: random.Random) -> History:
    """Write with all clients, kill at some moment, and return what they were told."""
    clients = [
        Client(server.url, number, turn, chance.randrange(2**32), _known(history, number)) for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    moment = time.monotonic() + chance.uniform(*LOAD_SECONDS)
    if _has_late_index(turn + 1) and not _has_late_index(turn):  # die while the index is being filled
        time.sleep(LOAD_SECONDS[0])
        add_late_index(Connection(server.url))
        moment = time.monotonic() + chance.uniform(0.0, 0.3)
    elif _has_late_index(turn) and not _has_late_index(turn + 1):
        delete_late_index(Connection(server.url))
    time.sleep(max(0.0, moment - time.monotonic()))
    until(lambda: _are_through(clients), "clients write")
    server.kill()
    for client in clients:
        client.join(HANGS_SECONDS)
        assert not client.is_alive()
        assert client.failure is None, f"round {turn}: {client.failure!r}"
    return merge([History(pairs=history.pairs, counters=history.counters), *(client.history for client in clients)])


def _are_through(clients: list[Client]) -> bool:
    """Whether they have written enough, or have failed."""
    return sum(client.written for client in clients) >= VALUES_MIN or any(client.failure for client in clients)


@pytest.mark.slow
def test_kills_lose_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    history, writes = History(), 0
    with _server(tmp_path) as server:
        create_tables(Connection(server.url))
    for turn in range(ROUNDS):
        server = _server(tmp_path)
        try:
            state = _state(Connection(server.url), turn)
            assert violations(history, state) == [], f"after {turn} rounds, seed {seed}"
            history = settle(history, state)
            history = _load_and_kill(server, history, turn, chance)
        except BaseException:
            server.kill()
            raise
        writes += sum(map(len, history.pairs.values()))
    with _server(tmp_path) as server:
        state = _state(Connection(server.url), ROUNDS)
    assert violations(history, state) == [], f"at the end, seed {seed}"
    assert writes > WRITES_MIN
    _see_the_alarm(history, state)


def _see_the_alarm(history: History, state: State) -> None:
    """A checker that finds nothing must find what is taken out of, or put into, this very store by hand."""

    def doctored(**parts: Any) -> str:
        return "\n".join(violations(history, replace(state, **parts)))

    lost = next(item for item in state.ledger if ledger_key(item) not in history.doubts)
    assert f"ledger {ledger_key(lost)}" in doctored(ledger=[item for item in state.ledger if item is not lost])
    half, *others = state.pairs
    assert "torn" in doctored(pairs=[{**half, "v": {"S": "another"}}, *others])
    count, *others = state.counters
    assert "counter" in doctored(counters=[{**count, "n": {"N": str(int(count["n"]["N"]) - 1)}}, *others])
    for place, (index, found) in enumerate(state.indexes):
        shorter = [*state.indexes[:place], (index, found[1:]), *state.indexes[place + 1 :]]
        assert f"index {index.name} lacks" in doctored(indexes=shorter)
