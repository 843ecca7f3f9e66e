"""Any order of calls, against a model of dicts and lists."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from statordb.engine.contract import (
    Bounds,
    Effects,
    Engine,
    Key,
    PageBudget,
    Refused,
    Row,
    Stale,
    Stop,
    Stored,
    Usage,
    Use,
)

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Settled = Callable[[Sequence[Key], Sequence[bytes | None]], None]

PARTITIONS = st.sampled_from([b"", b"p", b"p\0", b"q", b"\xff"])
SORTS = st.sampled_from([b"", b"\0", b"a", b"a\0", b"ab", b"b", b"\xff", b"\xff\xff"])
BODIES = st.binary(max_size=40)
TABLE, INDEX, LOCAL = range(3)
PLACES = st.tuples(st.integers(TABLE, LOCAL), PARTITIONS, SORTS)
"""Which of the machine's spaces, and where in it."""
ROWS = st.tuples(st.just(TABLE), PARTITIONS, SORTS)
ENTRIES = st.tuples(st.just(INDEX), PARTITIONS, SORTS)
SHARDS = st.sampled_from([b"", b"s", b"s\0"])
AMPLE = PageBudget(10_000, 1 << 30)

Place = tuple[int, bytes, bytes]


class PlanFailed(Exception):
    pass


class Model(RuleBasedStateMachine):
    """The engine beside the model. Its spaces stand for a table, a global index, which can be dropped too, and a local
    one."""

    def __init__(self, engine: Engine, run: Run, settled: Settled, drops_max: int) -> None:
        super().__init__()
        self.engine = engine
        self.run = run
        self.settled = settled
        self.drops_left = drops_max
        self.rows: dict[Place, bytes] = {}
        self.version_max: dict[Place, int] = {}  # over deletions
        self.logs: dict[bytes, list[bytes]] = {}
        self.sequence_max: dict[bytes, int] = {}
        self.totals = [0, 0]

    @initialize()
    def make_spaces(self) -> None:
        create = self.engine.create_space
        table = self.run(create())
        self.spaces = [table, self.run(create(Use.DERIVED)), self.run(create(within=table))]

    def key(self, place: Place) -> Key:
        return Key(self.spaces[place[0]], place[1], place[2])

    def read(self, places: list[Place]) -> list[Stored | None]:
        entries = [place for place in places if place[0] == INDEX]
        self.settled([self.key(place) for place in entries], [self.rows.get(place) for place in entries])
        rows: list[Stored | None] = self.run(self.engine.read([self.key(place) for place in places]))
        assert [row and row.body for row in rows] == [self.rows.get(place) for place in places]
        return rows

    @rule(places=st.lists(PLACES, max_size=5))
    def read_rows(self, places: list[Place]) -> None:
        self.read(places)

    @rule(
        writes=st.dictionaries(ROWS, st.none() | BODIES, max_size=4),
        derived=st.dictionaries(ENTRIES, st.none() | BODIES, max_size=3),
        local=st.dictionaries(SORTS, st.none() | BODIES, max_size=2),
        only_read=st.lists(PLACES, max_size=2),
        changes=st.lists(st.tuples(SHARDS, BODIES), max_size=3),
        tally=st.integers(-5, 5),
        ending=st.sampled_from(["effects", "effects", "effects", "refused", "raises"]),
    )
    def update(
        self,
        writes: dict[Place, bytes | None],
        derived: dict[Place, bytes | None],
        local: dict[bytes, bytes | None],
        only_read: list[Place],
        changes: list[tuple[bytes, bytes]],
        tally: int,
        ending: str,
    ) -> None:
        places = [*writes, *only_read]
        base = next(iter(writes), None)
        if base is not None:
            derived = {**derived, **{(LOCAL, base[1], sort): body for sort, body in local.items()}}
        effects = Effects(
            [(self.key(place), body) for place, body in writes.items()],
            [(self.key(place), body, base and self.key(base)) for place, body in derived.items()],
            [(self.spaces[0], shard, body) for shard, body in changes],
            [(self.spaces[0], tally, 2 * tally)],
        )

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            assert [row and row.body for row in stored] == [self.rows.get(place) for place in places]
            if ending == "raises":
                raise PlanFailed
            return Refused("no") if ending == "refused" else effects

        try:
            answer = self.run(self.engine.update([self.key(place) for place in places], plan))
        except PlanFailed:
            assert ending == "raises"
        else:
            assert answer == (Refused("no") if ending == "refused" else effects)
        if ending == "effects":
            self.apply({**writes, **derived}, changes, tally)
        self.read([*places, *derived])

    def apply(self, puts: dict[Place, bytes | None], changes: list[tuple[bytes, bytes]], tally: int) -> None:
        for place, body in puts.items():
            if body is None:
                self.rows.pop(place, None)
                continue
            self.rows[place] = body
            if place[0] != TABLE:  # nobody goes by the versions of what is derived
                continue
            (row,) = self.read([place])
            assert row is not None
            assert row.version > self.version_max.get(place, 0)
            self.version_max[place] = row.version
        for shard, body in changes:
            self.logs.setdefault(shard, []).append(body)
        self.totals[0] += tally
        self.totals[1] += 2 * tally

    @rule(guard=ROWS, place=ROWS, body=BODIES, off=st.sampled_from([0, 0, 1, -1]))
    def guarded_update(self, guard: Place, place: Place, body: bytes, off: int) -> None:
        key = self.key(place)
        (row,) = self.read([guard])
        expected = (7 if row is None else row.version) + off
        answer = self.run(
            self.engine.update([key], lambda stored: Effects([(key, body)]), [(self.key(guard), expected)])
        )
        if row is None or off:
            assert answer == Stale(self.key(guard))
        else:
            self.apply({place: body}, [], 0)
        self.read([place])

    @rule(
        partition=PARTITIONS,
        lower=SORTS,
        upper=st.none() | SORTS,
        forward=st.booleans(),
        after=st.none() | SORTS,
        rows_max=st.integers(1, 9),
        bytes_max=st.integers(1, 120),
    )
    def range_page(
        self,
        partition: bytes,
        lower: bytes,
        upper: bytes | None,
        forward: bool,
        after: bytes | None,
        rows_max: int,
        bytes_max: int,
    ) -> None:
        expected = sorted(
            (
                Row(partition, sort, body)
                for (place, at, sort), body in self.rows.items()
                if place == TABLE and at == partition and lower <= sort and (upper is None or sort < upper)
                if after is None or (sort > after if forward else sort < after)
            ),
            reverse=not forward,
        )
        budget = PageBudget(rows_max, bytes_max)
        bounds = Bounds(lower, upper)
        page = self.run(self.engine.range(self.spaces[0], partition, bounds, forward, budget, after))
        assert page.rows == expected[: len(page.rows)]
        if page.stop is Stop.EXHAUSTED:
            assert page.rows == expected
        else:
            assert page.rows
        if page.stop is Stop.ROWS:
            assert len(page.rows) == rows_max

    @rule(space=st.integers(TABLE, LOCAL), total=st.integers(1, 5))
    def scan_segments(self, space: int, total: int) -> None:
        rows = [
            row
            for segment in range(total)
            for row in self.run(self.engine.scan(self.spaces[space], segment, total, AMPLE)).rows
        ]
        assert sorted(rows) == sorted(
            Row(partition, sort, body) for (place, partition, sort), body in self.rows.items() if place == space
        )

    @rule(shard=SHARDS, limit=st.integers(1, 5))
    def read_log(self, shard: bytes, limit: int) -> None:
        seen: list[bytes] = []
        after = 0
        while changes := self.run(self.engine.log(self.spaces[0], shard, after, PageBudget(limit, 1 << 20))):
            assert len(changes) <= limit
            for change in changes:
                assert change.sequence > after
                after = change.sequence
                seen.append(change.body)
        assert seen == self.logs.get(shard, [])
        assert after >= self.sequence_max.get(shard, 0) or not seen
        self.sequence_max[shard] = max(after, self.sequence_max.get(shard, 0))

    @precondition(lambda self: self.logs)
    @rule(shard=SHARDS, count=st.integers(1, 4), chunk=st.integers(1, 4))
    def trim_log(self, shard: bytes, count: int, chunk: int) -> None:
        changes = self.run(self.engine.log(self.spaces[0], shard, 0, PageBudget(max(1, count), 1 << 20)))
        if changes:
            while self.run(self.engine.trim(self.spaces[0], shard, changes[-1].sequence, chunk)):
                pass
            del self.logs[shard][: len(changes)]
        self.read_log(shard, 3)

    @rule()
    def read_tally(self) -> None:
        assert self.run(self.engine.usage(self.spaces[0])) == Usage(*self.totals)

    @precondition(lambda self: self.drops_left)
    @rule(space=st.integers(TABLE, INDEX), chunk=st.integers(1, 30))
    def drop(self, space: int, chunk: int) -> None:
        self.drops_left -= 1
        dropped = self.spaces[space]
        self.run(self.engine.drop_space(dropped))
        while self.run(self.engine.reclaim(chunk)):
            pass
        assert self.run(self.engine.scan(dropped, 0, 1, AMPLE)).rows == []
        assert self.run(self.engine.usage(dropped)) == Usage(0, 0)
        assert all(self.run(self.engine.log(dropped, shard, 0, PageBudget(1, 1))) == [] for shard in self.logs)
        gone = (TABLE, LOCAL) if space == TABLE else (INDEX,)
        self.rows = {place: body for place, body in self.rows.items() if place[0] not in gone}
        if space == TABLE:
            self.logs, self.sequence_max, self.totals = {}, {}, [0, 0]
            self.spaces[TABLE] = self.run(self.engine.create_space())
            self.spaces[LOCAL] = self.run(self.engine.create_space(within=self.spaces[TABLE]))
        else:
            self.spaces[INDEX] = self.run(self.engine.create_space(Use.DERIVED))
        assert self.spaces[space] > dropped


@pytest.mark.slow
def test_the_engine_does_what_the_model_does(
    engine: Engine, run: Run, settled: Settled, examples: Callable[[int], int]
) -> None:
    run_state_machine_as_test(
        lambda: Model(engine, run, settled, examples(30)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples(80), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
