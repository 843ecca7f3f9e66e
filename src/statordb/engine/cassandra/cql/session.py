"""The one way to Cassandra: prepared statements by their text, reads and plain writes that try again, conditional
writes that never do."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import acsylla
from acsylla import errors

from statordb.engine.cassandra.cql.moderation import Moderation
from statordb.engine.cassandra.cql.racks import Racks
from statordb.engine.contract import StoreUnusable
from statordb.model.unanswered import Unanswered

QUORUM = "LOCAL_QUORUM"
ONE = "LOCAL_ONE"
SERIAL = "LOCAL_SERIAL"
REQUEST_SECONDS = 5.0
SCHEMA_SECONDS = 60.0  # statements that change the schema may take long
AGREEMENT_SECONDS = 10.0  # how long the nodes are waited for to know of it; one that is dead never will
PATIENCE_SECONDS = 8.0  # how long reads and plain writes are tried again
# How long the driver's thread waits for more requests once it is at work; one that finds it idle goes at once. Its own
# 200 us would have it look ten times as often, which costs more processor time, and in the end more of each answer's.
COALESCE_MICROSECONDS = 2000
PAUSE_SECONDS_MIN = 0.01
PAUSE_SECONDS_MAX = 0.5

Statement = tuple[str, Sequence[Any]]
"""CQL with ? for values, and the values."""

_space_table = re.compile(r"(?:FROM|INTO|UPDATE) s(\d+) ")
# Not "unauthorized": nodes answer that as well while they can't read who may do what.
_FINAL = (errors.CassErrorServerInvalidQuery, errors.CassErrorServerSyntaxError)
# What the driver tells where a node ends a connection that has just begun, as nodes do with who may not come in.
_HUNG_UP = ("closed prematurely", "write to socket", "reset by peer", "broken pipe")


def is_refusal(fault: Exception) -> bool:
    """Whether a statement was refused before anything was done: by a node that read it, or while it was being made."""
    return isinstance(fault, (*_FINAL, TypeError, ValueError))


class Unreachable(Unanswered):
    """Cassandra did not answer well in time; what was asked for can be asked for again."""


class Unauthorized(Unreachable):
    """The user may not do it, as far as the node can tell: nodes that have just started answer so for a while."""


class TimedOut(Unreachable):
    """Too few nodes answered a node in time. Of a conditional write: they may be well, and others of its partition may
    be in its way all the time."""


class Missing(Exception):
    """The table of a space that was dropped, or never made, does not exist (any more)."""


_KINDS: dict[type[Exception], type[Unreachable]] = {
    errors.CassErrorServerUnauthorized: Unauthorized,
    errors.CassErrorServerWriteTimeout: TimedOut,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a cluster. Its text shows no secret."""

    hosts: tuple[str, ...]
    port: int = 9042
    datacenter: str = ""
    keyspace: str = "statordb"
    username: str = ""
    password: str = field(default="", repr=False)
    tls_ca: str = ""  # PEM text of the authority that signed the nodes' certificates; empty: no TLS
    tls_certificate: str = ""  # PEM text of a certificate of our own, and its key, where nodes ask for one
    tls_key: str = field(default="", repr=False)
    rack: str = ""  # whose nodes are asked, while they answer; empty: each process chooses one


async def open_driver(contact: Contact, hosts: Sequence[str], keyspace: str | None = None, **options: Any) -> Any:
    """A session of the driver, logged in and by TLS as the contact says. `options`: what else create_cluster is told.

    Raises StoreUnusable with the reason; no secret is in it.
    """
    try:
        cluster = acsylla.create_cluster(
            list(hosts),
            port=contact.port,
            username=contact.username or None,
            password=contact.password or None,
            ssl_enabled=bool(contact.tls_ca),
            ssl_trusted_cert=contact.tls_ca or None,
            ssl_verify_flags=acsylla.SSLVerifyFlags.PEER_CERT,  # signed by the CA, in time, for servers; of any name
            ssl_cert=contact.tls_certificate or None,
            ssl_private_key=contact.tls_key or None,
            log_level="critical",
            use_schema=False,  # else it reads that of all keyspaces, and again whatever anybody changes of it
            application_name="statordb",
            **options,
        )
        return await cluster.create_session(keyspace=keyspace)
    except Exception as fault:
        raise StoreUnusable(_reason(fault, contact)) from None


async def _open(contact: Contact, keyspace: str | None, rack: str) -> Any:
    """A session of the driver as this engine wants it. Raises StoreUnusable."""
    return await open_driver(
        contact,
        contact.hosts,
        keyspace,
        consistency=QUORUM,
        serial_consistency=SERIAL,
        retry_policy="fallthrough",
        request_timeout=REQUEST_SECONDS,
        connect_timeout=REQUEST_SECONDS,
        max_schema_wait_time_ms=int(AGREEMENT_SECONDS * 1000),
        **_asking_first(contact.datacenter, rack),
        token_aware_routing_shuffle_replicas=False,
        coalesce_delay_us=COALESCE_MICROSECONDS,
        heartbeat_interval_sec=1,
        idle_timeout_sec=2,
        constant_reconnect_delay_ms=500,
    )


async def _is_served(driver: Any) -> None:
    """Raises CassException where a driver's nodes can't get the answer of a majority."""
    await driver.execute(
        acsylla.create_statement(
            "SELECT value FROM meta WHERE name = 'format'", consistency=acsylla.Consistency.LOCAL_QUORUM
        )
    )


class Session:
    """A session on one keyspace. Use it on the event loop that opened it."""

    def __init__(self, session: Any, contact: Contact) -> None:
        self._session = session
        self.contact = contact
        self._racks: Racks | None = None
        self._prepared: dict[tuple[str, str], Any] = {}
        self._asking = Moderation(asyncio.get_running_loop().call_soon)
        self.retries_total = 0
        self.unknown_total = 0

    @classmethod
    async def connect(cls, contact: Contact, keyspace: str | None = None, racks: Sequence[str] = ()) -> "Session":
        """Raises StoreUnusable. `keyspace` None: none is chosen. `racks`: whose nodes are asked, those of the next ones
        only where the first's don't answer, or can't get answers of the others; none: all alike."""
        try:
            session = cls(await _open(contact, keyspace, racks[0] if racks else ""), contact)
        except StoreUnusable as fault:
            raise StoreUnusable(f"Cassandra at {', '.join(contact.hosts)} can't be reached: {fault}") from None
        if racks:
            session.stay_with(racks, lambda rack: _open(contact, keyspace, rack))
        return session

    def stay_with(self, racks: Sequence[str], open_driver: Callable[[str], Awaitable[Any]]) -> None:
        """Ask the nodes of these racks, in this order; the session is one of the first's."""
        self._racks = Racks(self._session, racks, open_driver, self._use, _is_served)

    def _use(self, driver: Any) -> None:
        self._session = driver  # what was prepared by another one goes by this one too: nodes know it by its text

    async def rows(self, text: str, *values: Any, consistency: str = QUORUM) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, as tuples. Raises Unreachable, Missing."""
        return [row.as_tuple() for row in await self._persist(text, values, consistency, None)]

    async def first(self, text: str, values: tuple[Any, ...], consistency: str) -> Any:
        """The first row of a SELECT, to be asked for its columns by number; None if there is none. Raises Unreachable,
        Missing.

        Every GetItem comes here: what goes well takes the shortest way.
        """
        prepared = self._prepared.get((text, consistency))
        if prepared is not None:
            try:
                with self._asking:
                    return (await self._session.execute(prepared.bind(values))).first()
            except errors.CassException as fault:
                self._note(fault)
                self.retries_total += 1
        return (await self._persist(text, values, consistency, None)).first()

    async def write(self, text: str, *values: Any, timestamp: int | None = None) -> None:
        """A write without conditions, which must do no harm when done twice. Raises Unreachable, Missing."""
        await self._persist(text, values, QUORUM, timestamp)

    async def write_all(self, statements: Sequence[Statement]) -> None:
        """Writes without conditions, in one request, tried once. Raises Unreachable: some may not have happened."""
        try:
            batch = await self._batch(statements)
            with self._asking:
                await self._session.execute_batch(batch)
        except errors.CassException as fault:
            self._note(fault)
            raise _unreachable(fault) from None

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        """Conditional writes of one partition, all or none. None: applied; else what stood there: a dict of the columns
        per row that exists and has a condition (without a partition key where there is one statement).

        Any exception but Missing leaves the outcome unknown: it is not tried again here.
        """
        try:
            if len(statements) == 1:
                text, values = statements[0]
                statement = (await self._prepare(text, QUORUM)).bind(list(values))
                with self._asking:
                    result = await self._session.execute(statement)
            else:
                batch = await self._batch(statements)
                with self._asking:
                    result = await self._session.execute_batch(batch)
        except errors.CassException as fault:
            self._note(fault)
            if _is_missing(fault):
                raise await self._absence(statements[0][0], fault) from None
            if isinstance(fault, _FINAL):
                raise
            self.unknown_total += 1
            raise _unreachable(fault) from None
        rows = [row.as_dict() for row in result]
        if rows and rows[0]["[applied]"]:
            return None
        return [row for row in rows if len(row) > 1]

    async def schema(self, text: str) -> None:
        """A statement that changes the schema; returns when the nodes agree. Raises Unreachable."""
        try:
            await self._session.execute(acsylla.create_statement(text, timeout=SCHEMA_SECONDS))
        except errors.CassException as fault:
            raise refused_or_unreachable(fault) from None

    def forget(self, table: str) -> None:
        """Let go of the statements on a table that is gone."""
        for key in [key for key in self._prepared if f" {table} " in key[0]]:
            del self._prepared[key]

    async def close(self) -> None:
        await (self._session if self._racks is None else self._racks).close()

    def _note(self, fault: Exception) -> None:
        if self._racks is not None:
            self._racks.failed(fault)

    async def _persist(self, text: str, values: Sequence[Any], consistency: str, timestamp: int | None) -> Any:
        deadline = 0.0
        pause = PAUSE_SECONDS_MIN
        while True:
            try:
                prepared = self._prepared.get((text, consistency))
                if prepared is None:
                    prepared = await self._prepare(text, consistency)
                statement = prepared.bind(list(values))
                if timestamp is not None:
                    statement.set_timestamp(timestamp)
                with self._asking:
                    return await self._session.execute(statement)
            except errors.CassException as fault:
                self._note(fault)
                if _is_missing(fault):
                    raise await self._absence(text, fault) from None
                if isinstance(fault, _FINAL):
                    raise
                now = time.monotonic()
                deadline = deadline or now + PATIENCE_SECONDS
                if now + pause > deadline:
                    raise _unreachable(fault) from None
            self.retries_total += 1
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _absence(self, text: str, fault: Exception) -> Missing | Unreachable:
        """What it means that a node does not know a statement's table. One whose space is in use is there all the same:
        that node lags behind, and nothing may be given up for it."""
        named = _space_table.search(text)
        if named is not None:
            number = int(named[1])
            known = await self.rows("SELECT state FROM spaces WHERE part = 0 AND number = ?", number)
            if not known or known[0][0] != "used":
                self.forget(f"s{number}")
                return Missing(str(fault))
        return Unreachable(f"a table is not to be seen: {fault}")

    async def _batch(self, statements: Sequence[Statement]) -> Any:
        batch = acsylla.create_batch_unlogged(timeout=REQUEST_SECONDS)
        batch.set_consistency(acsylla.Consistency.LOCAL_QUORUM)
        batch.set_serial_consistency(acsylla.Consistency.LOCAL_SERIAL)
        for text, values in statements:
            batch.add_statement((await self._prepare(text, QUORUM)).bind(list(values)))
        return batch

    async def _prepare(self, text: str, consistency: str) -> Any:
        prepared = self._prepared.get((text, consistency))
        if prepared is None:
            prepared = self._prepared[text, consistency] = await self._session.create_prepared(
                text,
                timeout=REQUEST_SECONDS,
                consistency=getattr(acsylla.Consistency, consistency),
                serial_consistency=acsylla.Consistency.LOCAL_SERIAL,
            )
        return prepared


def refused_or_unreachable(fault: Exception) -> Exception:
    """What to raise where a change of the schema failed. That a node does not know what it is about passes."""
    return fault if isinstance(fault, _FINAL) and not _is_missing(fault) else _unreachable(fault)


def _unreachable(fault: Exception) -> Unreachable:
    kind = next((kind for cause, kind in _KINDS.items() if isinstance(fault, cause)), Unreachable)
    return kind(str(fault))


def _asking_first(datacenter: str, rack: str) -> dict[str, str | None]:
    """Options of the driver: which nodes to ask. Nodes of other datacenters never."""
    if not rack:
        return {"load_balance_dc_aware": datacenter or None}
    return {
        "load_balance_rack_aware_dc": datacenter,
        "load_balance_rack_aware_rack": rack,
        "whitelist_dc": datacenter,
    }


def _is_missing(fault: Exception) -> bool:
    text = str(fault)
    return any(words in text for words in ("does not exist", "doesn't exist", "unconfigured table", "No table"))


def _reason(fault: Exception, contact: Contact) -> str:
    """Why we don't get in, with the settings to look at; the driver tells what happened, not what to do."""
    if isinstance(fault, errors.CassErrorServerBadCredentials):
        advice = "the login failed, see cassandra_username and cassandra_password"
    elif isinstance(fault, errors.CassErrorSslInvalidCert):
        advice = "cassandra_ca or cassandra_certificate is no certificate"
    elif isinstance(fault, errors.CassErrorSslInvalidPrivateKey):
        advice = "cassandra_key is no key, or one with a password"
    elif isinstance(fault, errors.CassErrorSslProtocolError):
        advice = "TLS, which cassandra_ca asks for, can't be begun with it"
    elif isinstance(fault, errors.CassErrorSourceSsl):
        advice = "its certificate does not hold, see cassandra_ca"
    elif not any(text in str(fault) for text in _HUNG_UP):
        return str(fault)
    elif not contact.tls_ca:
        advice = "it hangs up, maybe because it wants TLS, see cassandra_ca"
    elif not contact.tls_certificate:
        advice = "it hangs up, maybe because it wants a certificate, see cassandra_certificate and cassandra_key"
    else:
        advice = "it hangs up, maybe because it does not accept cassandra_certificate with cassandra_key"
    return f"{advice} ({fault})"
