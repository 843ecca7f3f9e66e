"""The least that asking Cassandra costs: the bare driver, some requests in flight, nothing around them."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import acsylla
import uvloop

import cases
from figures import percentile
from load import LoadFailed, Sample

IN_FLIGHT = 16
REQUEST_SECONDS = 5.0
SCHEMA_SECONDS = 60.0
TABLE = "bare"
COPIES_MAX = 3
BODY = cases.json_item(0)

Request = Callable[[int], Coroutine[Any, Any, bool]]
"""Asks for a row by its number, one at a time for each; whether that was answered as it must be."""


class Bare:
    """The driver on a cluster, as a context: its keyspace is made, and the table in it filled, on entry; on exit the
    keyspace is dropped, with all that others have made in it."""

    def __init__(self, hosts: Sequence[str], datacenter: str, keyspace: str, rows: int = cases.USERS) -> None:
        self._hosts = hosts
        self._datacenter = datacenter
        self._keyspace = keyspace
        self._versions = [0] * rows
        self._drawn = random.Random(cases.SEED)

    def __enter__(self) -> "Bare":
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with ExitStack() as undoing:
            undoing.callback(self._runner.close)
            try:
                self._runner.run(self._connect())
                undoing.callback(lambda: self._runner.run(self._close()))
                self._runner.run(self._fill())
            except acsylla.errors.CassException as fault:
                raise LoadFailed(f"Cassandra: {fault}") from fault
            self._leaving = undoing.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._leaving.close()

    async def _connect(self) -> None:
        cluster = acsylla.create_cluster(
            list(self._hosts),
            load_balance_dc_aware=self._datacenter,
            retry_policy="fallthrough",
            request_timeout=REQUEST_SECONDS,
            max_schema_wait_time_ms=int(SCHEMA_SECONDS * 1000),
            log_level="critical",
        )
        self._session = await cluster.create_session()

    async def _fill(self) -> None:
        copies = min(await self._count_nodes(), COPIES_MAX)
        await self._change_schema(
            f"CREATE KEYSPACE IF NOT EXISTS {self._keyspace} WITH replication = "
            f"{{'class': 'NetworkTopologyStrategy', '{self._datacenter}': {copies}}}"
        )
        name = f"{self._keyspace}.{TABLE}"
        await self._change_schema(
            f"CREATE TABLE IF NOT EXISTS {name} (key blob PRIMARY KEY, version bigint, body blob)"
        )
        self._select = await self._prepare(f"SELECT body, version FROM {name} WHERE key = ?")
        self._update = await self._prepare(f"UPDATE {name} SET body = ?, version = ? WHERE key = ? IF version = ?")
        rows = len(self._versions)
        waiting = iter(range(rows))

        async def fill() -> None:
            for number in waiting:
                if not await self._put(number):
                    raise LoadFailed(f"the bare driver could not write row {number}")

        await asyncio.gather(*(fill() for _ in range(IN_FLIGHT)))

    async def _count_nodes(self) -> int:
        """Nodes of the datacenter."""
        count = 0
        for table in ("local", "peers_v2"):
            found = await self._session.execute(acsylla.create_statement(f"SELECT data_center FROM system.{table}"))
            count += [row.as_tuple() for row in found].count((self._datacenter,))
        if not count:
            raise LoadFailed(f"the cluster has no datacenter {self._datacenter}")
        return count

    async def _change_schema(self, text: str) -> None:
        await self._session.execute(acsylla.create_statement(text, timeout=SCHEMA_SECONDS))

    async def _prepare(self, text: str) -> Any:
        return await self._session.create_prepared(
            text,
            timeout=REQUEST_SECONDS,
            consistency=acsylla.Consistency.LOCAL_QUORUM,
            serial_consistency=acsylla.Consistency.LOCAL_SERIAL,
        )

    def select(self, seconds: float) -> Sample:
        """SELECT by key, LOCAL_QUORUM."""
        return self._runner.run(self._load(self._get, seconds))

    def update(self, seconds: float) -> Sample:
        """UPDATE ... IF version = ?, LOCAL_SERIAL and LOCAL_QUORUM; no two at once of one row."""
        return self._runner.run(self._load(self._put, seconds))

    async def _close(self) -> None:
        await self._change_schema(f"DROP KEYSPACE IF EXISTS {self._keyspace}")
        await self._session.close()

    async def _get(self, number: int) -> bool:
        result = await self._session.execute(self._select.bind([_key(number)]))
        row = result.first()
        return row is not None and len(row[0]) == len(BODY)

    async def _put(self, number: int) -> bool:
        version = self._versions[number]
        result = await self._session.execute(self._update.bind([BODY, version + 1, _key(number), version or None]))
        row = result.first().as_dict()
        # A refusal is what comes of an answer that was lost before.
        self._versions[number] = version + 1 if row["[applied]"] else row["version"] or 0
        return bool(row["[applied]"])

    async def _load(self, request: Request, seconds: float) -> Sample:
        """IN_FLIGHT requests at any time, for rows drawn evenly, each asked for one at a time."""
        spent: list[float] = []
        failed = 0
        began = time.perf_counter()

        async def ask(first: int) -> None:
            nonlocal failed
            own = range(first, len(self._versions), IN_FLIGHT)
            at = time.perf_counter()
            while at < began + seconds:
                try:
                    answered = await request(self._drawn.choice(own))
                except acsylla.errors.CassException:
                    answered = False
                ended = time.perf_counter()
                failed += not answered
                spent.append(ended - at)
                at = ended

        await asyncio.gather(*map(ask, range(IN_FLIGHT)))
        if failed == len(spent):
            raise LoadFailed("Cassandra answered no request of the bare driver")
        rate = len(spent) / (time.perf_counter() - began)
        return Sample(rate, percentile(spent, 0.5) * 1000, percentile(spent, 0.99) * 1000, failed)


def _key(number: int) -> bytes:
    text: str = cases.key(number)["pk"]["S"]
    return text.encode()
