"""TransactWriteItems and TransactGetItems: one engine update, or one snapshot, over items of any tables."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statordb.engine.contract import ABSENT, Conflict, Effects, Engine, Heads, Key, Plan, Refused, Stale, Stored
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import TRANSACT_BYTES_MAX, TRANSACT_TOKEN_SECONDS
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.staging import Staging, found
from statordb.store.table import BUSY, LOOKS, MOVED, READ_HERE_BYTES, Apply, Table, Written

SNAPSHOT_LOOKS = 5  # at rows that change all the time; then they are read in one go

Pause = Callable[[int], Awaitable[None]]
"""Lets others run, if it is time for that after so many bytes."""

SUCCEEDED = {"Code": "None"}
CONFLICTED = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


def misfit(fault: ClientError, position: int, count: int) -> ClientError:
    """The cancellation of a transaction of `count` items, one of which does not fit its table."""
    reasons: list[dict[str, str]] = [SUCCEEDED] * count
    reasons[position] = {"Code": "ValidationError", "Message": fault.message or ""}
    return errors.transaction_canceled(reasons)


class Action(NamedTuple):
    """One action of a write transaction. A refusal's reason is its cancellation reason ({"Code", "Message", ...}), or
    the ClientError that the whole request is refused with.

    `check_only`: the item is looked at and not written (ConditionCheck).
    """

    table: Table
    key: Key
    apply: Apply
    check_only: bool


class Token(NamedTuple):
    """A client request token: the row it is kept in, a digest of the request, the time now (seconds since the epoch),
    and the spaces of the tables that the request is about."""

    key: Key
    digest: str
    now: float
    tables: list[int]

    @staticmethod
    def of(account: str, region: str, token: str, digest: str, now: float, tables: Iterable[Table]) -> "Token":
        key = Key(Space.TOKENS, f"{account}/{region}/{token}".encode(), b"")
        return Token(key, digest, now, sorted({table.space for table in tables}))


@dataclass(frozen=True, slots=True)
class TokenRecord(Record):
    """What is kept of a request with a token. `expires`: seconds since the epoch; `sizes`: as in `Replayed`; `tables`:
    as in `Token`, none in rows of before there were."""

    digest: str
    expires: float
    sizes: list[int]
    tables: list[int] = field(default_factory=list)


TOKEN = Kind(TokenRecord)


class Canceled(NamedTuple):
    """Refusal: of each action, why it cancels the transaction; and how many bytes its item has, or would have had."""

    reasons: list[dict[str, Any]]
    sizes: list[int]


class TokenReused(NamedTuple):
    """Refusal: the token was used with another request within its life."""


class InProgress(NamedTuple):
    """Refusal: a request with the token is being done now."""


class Replayed(NamedTuple):
    """Outcome: the same request was done before. `sizes`: item sizes in bytes then, by action."""

    sizes: list[int]


async def write(engine: Engine, actions: Sequence[Action], token: Token | None) -> list[Written] | Replayed | Refused:
    """Do all actions or none. Refused: its reason is Canceled, TokenReused, InProgress, a ClientError of one of them,
    or, if another transaction was in the way, the list of cancellation reasons.

    Raises as `Table.renewed` and `Table.resumed`.
    """
    for _ in LOOKS:
        if any(action.table.paused for action in actions):
            actions = [action._replace(table=await action.table.resumed()) for action in actions]
        footprint = [action.key for action in actions]
        if token is not None:
            footprint.append(token.key)
        building = [action for action in actions if action.table.building]
        entries = [entry for action in building for entry in await action.table.look_up(action.key)]
        guards = {action.table.guard[0]: action.table.guard for action in actions}
        plan = _plan(actions, token, entries, actions[0].table.now())
        try:
            outcome = await engine.update([*footprint, *entries], plan, tuple(guards.values()))
        except Conflict as conflict:
            if token is not None and token.key in conflict.keys:
                return Refused(InProgress())
            return Refused(_conflicts([action.key for action in actions], conflict))
        if isinstance(outcome, Effects):
            done: list[Written] | Replayed = outcome.outcome
            return done
        if isinstance(outcome, Refused):
            if outcome.reason is MOVED:
                continue
            return outcome
        assert isinstance(outcome, Stale)
        actions = [action._replace(table=await action.table.renewed()) for action in actions]
    raise errors.throttling(BUSY)


def _plan(actions: Sequence[Action], token: Token | None, entries: Sequence[Key], now: float) -> Plan:
    """A plan over the items, the token if there is one, and the `entries` looked up of indexes that are being built."""
    others = len(actions) + (token is not None)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if token is not None:
            known = _known(stored[len(actions)], token)
            if known is not None:
                return known
        news, reasons, sizes = [], [], []
        for action, row in zip(actions, stored, strict=False):
            old = None if row is None else Image(row[0])
            new = action.apply(old)
            sizes.append(0 if old is None else old.size)
            if isinstance(new, Refused):
                if isinstance(new.reason, ClientError):
                    return new
                reasons.append(new.reason)
            else:
                reasons.append(SUCCEEDED)
                news.append((action, old, new))
                if new is not None:
                    sizes[-1] = max(sizes[-1], new.size)
        if len(news) < len(actions):
            return Refused(Canceled(reasons, sizes))
        if any(action.table.building and action.table.moved(old, entries) for action, old, _ in news):
            return Refused(MOVED)
        return _staged(news, token, Staging(found(entries, stored[others:]), now))

    return plan


def _staged(news: list[tuple[Action, Image | None, Image | None]], token: Token | None, staging: Staging) -> Effects:
    written = []
    for action, old, new in news:
        units = None if action.check_only else action.table.stage(staging, action.key, old, new)
        written.append(Written(old, new, units))
    if token is not None:
        sizes = [max(w.old.size if w.old else 0, w.new.size if w.new else 0) for w in written]
        record = TokenRecord(token.digest, token.now + TRANSACT_TOKEN_SECONDS, sizes, token.tables)
        staging.writes.append((token.key, TOKEN.dump(record)))
    return staging.effects(written)


def _known(row: Stored | None, token: Token) -> Effects | Refused | None:
    """The answer if the token is in use."""
    if row is None:
        return None
    record = TOKEN.load(row.body)
    if record.expires <= token.now:
        return None
    if record.digest != token.digest:
        return Refused(TokenReused())
    if record.tables and record.tables != token.tables:
        return None  # a table has been made again meanwhile, and nothing was done to the new one
    return Effects(outcome=Replayed(record.sizes))


def token_expired(body: bytes, now: float) -> bool:
    """Whether an idempotency record may be forgotten."""
    return TOKEN.load(body).expires <= now


async def read(engine: Engine, keys: Sequence[Key], pause: Pause) -> list[Image | None] | Refused:
    """Items of any tables, all from one snapshot. Refused: its reason is the list of cancellation reasons.

    Large ones are read one by one, each followed by a `pause`. Where all together are more than TRANSACT_BYTES_MAX,
    only their sizes are right.
    """
    try:
        return _images(await _snapshot(engine, keys, pause))
    except Conflict as conflict:
        return Refused(_conflicts(keys, conflict))


async def _snapshot(engine: Engine, keys: Sequence[Key], pause: Pause) -> list[Stored | None]:
    """Rows by their heads, then whole, then by their heads again: if no version has changed in between, all the rows
    stood like this at one moment."""
    for _ in range(SNAPSHOT_LOOKS):
        rows = await engine.read(keys, heads=Heads(READ_HERE_BYTES, codec.HEADER_BYTES))
        cut = [at for at, row in enumerate(rows) if row is not None and len(row.body) == codec.HEADER_BYTES]
        if not cut or sum([codec.size(row.body) for row in rows if row is not None]) > TRANSACT_BYTES_MAX:
            return rows
        versions = _versions(rows)
        for at in cut:
            row = rows[at] = await engine.get(keys[at])
            await pause(0 if row is None else len(row.body))
        if versions == _versions(rows) == _versions(await engine.read(keys, heads=Heads(0, codec.HEADER_BYTES))):
            return rows
    return await engine.read(keys)


def _versions(rows: Sequence[Stored | None]) -> list[int]:
    return [ABSENT if row is None else row.version for row in rows]


def _images(rows: Sequence[Stored | None]) -> list[Image | None]:
    return [None if stored is None else Image(stored[0]) for stored in rows]


def _conflicts(keys: Sequence[Key], conflict: Conflict) -> list[dict[str, str]]:
    """The cancellation reasons of a transaction on `keys`."""
    return [CONFLICTED if key in conflict.keys else SUCCEEDED for key in keys]
