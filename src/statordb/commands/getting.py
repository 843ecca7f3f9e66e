"""The commands that read items by their keys: Get, BatchGet and TransactGet."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import orjson

from statordb.commands.admitting import Paid, admit_parts, admitted_reads, give_back, note
from statordb.commands.capacity import Meter, count_read
from statordb.commands.context import Context
from statordb.commands.demands import Demand, Enclosed, enclosed
from statordb.commands.keys import locate_key, refuse_nested_keys
from statordb.commands.selection import parsed
from statordb.commands.turns import Turn
from statordb.expressions.bound import Projection
from statordb.metering.series import EVENTUAL, PARTIQL, STRONG, TRANSACTIONAL
from statordb.metering.throttles import READ_UNITS_MIN
from statordb.metering.units import TRANSACTION_FACTOR, read_units
from statordb.model import errors
from statordb.model.budget import Budget, Heavy
from statordb.model.errors import ClientError, RefusesAll, Throttled
from statordb.model.limits import BATCH_GET_BYTES_MAX, TRANSACT_BYTES_MAX
from statordb.model.values import Item
from statordb.store import codec, transactions
from statordb.store.image import Image
from statordb.store.parts import Parts
from statordb.store.table import Table
from statordb.store.terms import Key, Refused

TRANSACT_GET = "TransactGetItems"
GET_ITEM = "dynamodb:GetItem"


class Got(NamedTuple):
    """An item as it was found: JSON of what is wanted of it, its whole size in bytes; None and 0 if there is none."""

    table: Table
    text: bytes | None
    size: int


class Get(NamedTuple):
    """One item."""

    table: str
    key: Item
    projection: Projection | None
    consistent: bool

    @property
    def action(self) -> str:
        return GET_ITEM

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[Get]":
        return (self,)

    async def run(self, context: Context) -> Got:
        table = context.known_table(self.table) or await context.table(self.table)
        key = table.primary.usual_key(self.key) or locate_key(table, self.key)
        _check_projection(table, self.projection)
        if table.throttle is not None:
            table.throttle.admit_read(key.partition)
        stored = await table.get(key, self.consistent)
        size = 0 if stored is None else codec.size(stored.body)
        try:
            text = None if stored is None else _text(stored.body, self.projection, context.budget)
        except Heavy:
            give_back([(table, None)])
            raise
        count_read(table, size, self.consistent)
        return Got(table, text, size)


class Wanted(NamedTuple):
    """Some items of one table, each by itself."""

    table: str
    keys: Sequence[Item]
    projection: Projection | None
    consistent: bool

    @property
    def action(self) -> str:
        return "dynamodb:BatchGetItem"

    @property
    def index_name(self) -> None:
        return None


class Several(NamedTuple):
    """What was found of a `Wanted`. `units`: read units of the table; `processed`: how many of its keys were."""

    table: Table
    texts: list[bytes]
    units: float
    processed: int


class BatchGet(NamedTuple):
    """Items of any tables, as many as there is room for."""

    wanted: Sequence[Wanted]

    def demands(self) -> Sequence[Wanted]:
        return self.wanted

    async def run(self, context: Context) -> list[Several]:
        room = BATCH_GET_BYTES_MAX
        refusals: list[Throttled] = []
        turn = context.turn()
        await turn.begin()
        found: list[Several] = []
        admitted: list[int] = []
        with Paid() as paid:
            for wanted in self.wanted:
                try:
                    table = context.known_table(wanted.table) or await context.table(wanted.table)
                    _check_projection(table, wanted.projection)
                    keys = [locate_key(table, key) for key in wanted.keys]
                except ClientError:
                    self._refuse_repeated()  # which needs no table, and is told first
                    raise
                if len(set(keys)) != len(keys):
                    raise _repeated()
                count, refusal = admitted_reads(table, keys)
                paid.reads += [(table, None)] * count
                several, room = await _read(table, keys[:count], wanted, room, turn)
                admitted.append(count)
                if refusal is not None:
                    refusals.append(refusal)
                found.append(several)
        turn.end()
        self._count(found, admitted)  # not before: a lane may begin again with all of it
        if refusals:
            if not any(several.processed for several in found):
                raise refusals[0]
            note(refusals, "BatchGetItem")
        return found

    def _count(self, found: Sequence[Several], admitted: Sequence[int]) -> None:
        for wanted, (table, _, units, _), count in zip(self.wanted, found, admitted, strict=True):
            if units:
                table.tap.read(int(units * 2), STRONG if wanted.consistent else EVENTUAL)
                if table.throttle is not None:
                    table.throttle.charge_read(units - count * READ_UNITS_MIN)

    def _refuse_repeated(self) -> None:
        for wanted in self.wanted:
            if len({orjson.dumps(key, option=orjson.OPT_SORT_KEYS) for key in wanted.keys}) != len(wanted.keys):
                raise _repeated()


def _repeated() -> ClientError:
    return errors.validation("Provided list of item keys contains duplicates")


async def _read(table: Table, keys: Sequence[Key], wanted: Wanted, room: int, turn: Turn) -> tuple[Several, int]:
    """Read until the room, in bytes, is used up; and the room that is left."""
    texts: list[bytes] = []
    units = 0.0
    position = 0
    parts = Parts(table, keys, wanted.consistent)
    while position < len(keys):
        for body in await parts.next():
            size = 0 if body is None else codec.size(body)
            if size > room:
                return Several(table, texts, units, position), 0
            room -= size
            units += read_units(size, wanted.consistent)
            if body is not None:
                try:
                    text = _text(body, wanted.projection, turn.budget)
                except Heavy:  # together with what this slice had before
                    await turn.over()
                    text = _text(body, wanted.projection, turn.budget)
                texts.append(text)
                if turn.due(len(body)):
                    await turn.over()
            position += 1
    return Several(table, texts, units, len(keys)), room


class Part(NamedTuple):
    """One item of a transaction."""

    table: str
    key: Item
    projection: Projection | None

    @property
    def action(self) -> str:
        return GET_ITEM

    @property
    def index_name(self) -> None:
        return None

    def place(self, table: Table) -> Key:
        return locate_key(table, self.key)

    def text(self, table: Table, body: bytes, budget: Budget) -> bytes:
        return _text(body, self.projection, budget)


class TransactRead(Demand, Protocol):
    """One item of a transaction: a Part, or what a statement says of it.

    `place` raises ValidationException unless it fits the table; `text` is what is wanted of the item as JSON, None if
    it is not wanted at all, and raises Heavy.
    """

    def place(self, table: Table) -> Key: ...

    def text(self, table: Table, body: bytes, budget: Budget) -> bytes | None: ...


class TransactGet(NamedTuple):
    """Items of any tables, all as they are at one moment, by one of the operations that do that."""

    parts: Sequence[TransactRead]
    operation: str = TRANSACT_GET

    def demands(self) -> list[Enclosed]:
        return enclosed(self.operation, self.parts)

    async def run(self, context: Context) -> list[Got]:
        tables = {name: await context.table(name) for name in dict.fromkeys(part.table for part in self.parts)}
        for part in self.parts:
            if isinstance(part, Part):
                _check_projection(tables[part.table], part.projection)
        keys = self._keys(tables)
        places = [(tables[part.table], key) for part, key in zip(self.parts, keys, strict=True)]
        admit_parts(places, self.operation, is_write=False)
        with Paid() as paid:
            paid.reads += [(table, None) for table, _ in places]
            turn = context.turn()
            await turn.begin()
            images = await transactions.read(context.store.engine, keys, turn.passed)
            if isinstance(images, Refused):
                raise errors.transaction_canceled(images.reason)
            if sum(image.size for image in images if image is not None) > TRANSACT_BYTES_MAX:
                reasons = [{"Code": "ValidationError", "Message": "Collection size exceeded."}]
                raise errors.transaction_canceled(reasons + [{"Code": "None"}] * (len(keys) - 1))
            found = []
            for part, image in zip(self.parts, images, strict=True):
                found.append(await self._got(tables[part.table], part, image, turn))
        turn.end()
        self._count(found)
        return found

    def _count(self, found: Sequence[Got]) -> None:
        meters: dict[int, Meter] = {}
        for got in found:
            meter = meters.setdefault(got.table.space, Meter(got.table))
            meter.add(read_units(got.size, True), factor=TRANSACTION_FACTOR)
        for meter in meters.values():
            meter.count_reads(TRANSACTIONAL if self.operation == TRANSACT_GET else PARTIQL + TRANSACTIONAL)

    async def _got(self, table: Table, part: TransactRead, image: Image | None, turn: Turn) -> Got:
        if image is None:
            return Got(table, None, 0)
        try:
            text = part.text(table, image.body, turn.budget)
        except Heavy:  # together with what this slice had before
            await turn.over()
            text = part.text(table, image.body, turn.budget)
        if turn.due(len(image.body)):
            await turn.over()
        return Got(table, text, image.size)

    def _keys(self, tables: dict[str, Table]) -> list[Key]:
        """Storage keys of all items; a key that does not fit its table cancels the transaction, unless one is empty."""
        keys: list[Key] = []
        misfit: ClientError | None = None
        for position, part in enumerate(self.parts):
            try:
                keys.append(part.place(tables[part.table]))
            except RefusesAll:
                raise
            except ClientError as fault:
                misfit = misfit or transactions.misfit(fault, position, len(self.parts))
        if misfit is not None:
            raise misfit
        if len(set(keys)) != len(keys):
            raise errors.validation("Transaction request cannot include multiple operations on one item")
        return keys


def _check_projection(table: Table, projection: Projection | None) -> None:
    """Raise ValidationException if it goes into an attribute of a key."""
    if projection is not None:
        refuse_nested_keys(table, projection.nested_attributes)


def _text(body: bytes, projection: Projection | None, budget: Budget) -> bytes:
    """What is wanted of a stored item, as JSON. Raises Heavy."""
    return codec.text(body) if projection is None else orjson.dumps(projection(parsed(body, budget)))
