"""However many logs there are, a run of the duty that looks after them does a bounded part of it, and all is done in
the end."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api
from tests.store.engines import Around

from statordb.engine.contract import Effects, Use
from statordb.keeper.logs import AGE_SECONDS, LOOKED_AT_ONCE, Logs
from statordb.keeper.share import PIECES_MIN
from statordb.store import log
from statordb.store.log import HASH_MAX, LogRecord, ShardRecord
from statordb.store.logs import RETENTION_SECONDS, key_of
from statordb.store.store import Store

MANY = 100
SCOPE = (PRINCIPAL.account, PRINCIPAL.region)
CALLS = ("get", "read", "range", "scan", "update", "log", "log_end")


class Counted(Around):
    """Counts calls, and fails those about spaces in `broken`."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.calls = Counter[str]()
        self.looked_at = set[int]()
        self.broken = set[int]()

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            self.calls[name] += 1
        return super().__getattr__(name)

    async def log_end(self, space: int, shard: bytes) -> int:
        self.calls["log_end"] += 1
        self.looked_at.add(space)
        if space in self.broken:
            raise RuntimeError("this log can't be read")
        return await self.inner.log_end(space, shard)


@pytest.fixture
def engine(api: Api) -> Counted:
    engine = Counted(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock, stream_shard_seconds=10 * RETENTION_SECONDS)
    return engine


def impatient() -> Iterator[float]:
    """A clock by which no run has any time."""
    at = 0.0
    while True:
        at += 1000.0
        yield at


def duty_of(api: Api) -> Logs:
    return Logs(api.store, impatient().__next__)


def make(api: Api, number: int, **more: Any) -> LogRecord:
    """A log of a stream's, as of a table of that number, a day old. Nothing was written to it."""
    space = api.run(api.store.engine.create_space(Use.LOG))
    opened_at = api.clock.now() - RETENTION_SECONDS - 1
    shard = ShardRecord("shardId-1", None, 0, HASH_MAX, opened_at, 0, **{"readers": ["stream/x"], **more})
    made = LogRecord(*SCOPE, f"table{number}", space, {} if shard.closed_at else {"stream/x": "KEYS_ONLY"}, [shard])
    write = Effects(writes=((key_of(*made.name, space), log.dump(made)),))
    api.run(api.store.engine.update((write.writes[0][0],), lambda stored: write))
    return made


def work(api: Api, duty: Logs) -> None:
    """As many runs as are needed at the most."""
    for _ in range(MANY // (PIECES_MIN - 2) + 4):
        api.run(duty.run_once())


def calls_of(api: Api, duty: Logs, engine: Counted) -> int:
    engine.calls.clear()
    api.run(duty.run_once())
    return engine.calls.total()


def test_a_run_does_a_part_and_the_next_one_goes_on(api: Api, engine: Counted) -> None:
    logs = [make(api, number) for number in range(MANY)]
    duty = duty_of(api)
    runs = [calls_of(api, duty, engine)]
    while len(engine.looked_at) < MANY:
        runs.append(calls_of(api, duty, engine))
        assert len(runs) < MANY
    assert engine.looked_at == {each.space for each in logs}
    assert len(runs) > MANY / LOOKED_AT_ONCE / PIECES_MIN
    assert max(runs) <= PIECES_MIN * LOOKED_AT_ONCE * 5


def test_what_is_over_is_forgotten_in_the_end(api: Api, engine: Counted) -> None:
    for number in range(MANY):
        make(api, number, closed_at=api.clock.now(), ending=0)
    duty = duty_of(api)
    api.clock.advance(RETENTION_SECONDS + 1)
    work(api, duty)
    assert api.run(api.store.logs.all()) == []


def test_one_change_is_not_a_reason_to_read_every_log(api: Api, engine: Counted) -> None:
    """A table that is made is announced, and so is what becomes of its log."""
    for number in range(MANY):
        make(api, number)
    duty = duty_of(api)
    work(api, duty)
    api(
        "CreateTable",
        TableName="table7",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    assert calls_of(api, duty, engine) == 1
    assert len(duty._known.spaces()) == MANY + 1
    assert calls_of(api, duty, engine) == 0


def test_a_log_that_fails_keeps_no_other_from_being_looked_at(api: Api, engine: Counted) -> None:
    logs = [make(api, number) for number in range(40)]
    engine.broken = {logs[0].space}
    duty = duty_of(api)
    with pytest.raises(RuntimeError, match="can't be read"):
        work(api, duty)
    assert engine.looked_at == {each.space for each in logs}
    engine.looked_at.clear()
    api.clock.advance(AGE_SECONDS)
    with pytest.raises(RuntimeError, match="can't be read"):
        work(api, duty)
    assert len(engine.looked_at) == 40


def test_who_takes_the_duty_over_again_knows_nothing_of_before(api: Api, engine: Counted) -> None:
    """Another keeper may have trimmed and settled meanwhile, without telling."""
    gone = make(api, 1)
    duty = duty_of(api)
    api.run(duty.run_once())
    api.run(duty.rest())
    api.run(api.store.logs.change(gone, lambda current: None))
    api.run(api.store.engine.drop_space(gone.space))
    api.run(duty.run_once())
    assert duty._known.spaces() == []
