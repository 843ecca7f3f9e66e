"""The command that makes several writes, all or none: TransactWrite."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from statordb.commands.admitting import Paid, admit_parts
from statordb.commands.capacity import Meter, count_writes
from statordb.commands.context import Context
from statordb.commands.demands import Enclosed
from statordb.commands.full_partitions import unless_full
from statordb.commands.statement_writes import CheckByKey, InsertItem, StatementWrite
from statordb.commands.writing import Check, Delete, Put, Update
from statordb.metering.series import PARTIQL, TRANSACTIONAL
from statordb.metering.units import TRANSACTION_FACTOR, read_units, write_units
from statordb.model import errors
from statordb.model.budget import Budget, OneOfMany
from statordb.model.errors import ClientError, RefusesAll, Throttled
from statordb.model.limits import INLINE_UNITS_MAX
from statordb.store import transactions
from statordb.store.image import Image
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Key, Refused
from statordb.store.transactions import Action, Canceled, InProgress, Replayed, Token, TokenReused

PLANNED_ROW_UNITS = 125  # of a row that a part may write
UNFILLED_UNITS_MAX = INLINE_UNITS_MAX // 4  # of a transaction that is taken for short work

Reason = dict[str, Any]
"""Why a part cancels its transaction, as AWS's CancellationReasons have it."""

# Of a condition that does not hold, and of an INSERT where there is an item.
UNMET: Reason = {"Code": "ConditionalCheckFailed", "Message": errors.conditional_check_failed().message}
DUPLICATE: Reason = {"Code": "DuplicateItem", "Message": errors.duplicate_item().message}


TRANSACT_WRITE = "TransactWriteItems"


class Part(NamedTuple):
    """One write, or look, of a transaction. `shows`: a condition that does not hold is told with the item as it was."""

    write: Put | Update | Delete | Check | StatementWrite | CheckByKey
    shows: bool


class Transacted(NamedTuple):
    """What was done in each part's table; or, if the token says that it was done before, the item sizes then, in
    bytes."""

    tables: list[Table]
    written: list[Written] | None
    sizes: list[int]


class TransactWrite(NamedTuple):
    """Writes of different items. `token`: the client's, and a digest of the request."""

    parts: Sequence[Part]
    token: tuple[str, str] | None
    operation: str = TRANSACT_WRITE

    def demands(self) -> list[Enclosed]:
        return [Enclosed(self.operation, part.write, part.shows) for part in self.parts]

    async def run(self, context: Context) -> Transacted:
        """Raises TransactionCanceledException, and ClientError otherwise."""
        names = dict.fromkeys(part.write.table for part in self.parts)
        tables = {name: context.known_table(name) or await context.table(name) for name in names}
        # All are planned in one go.
        turn = context.turn()
        await turn.begin()
        units = PLANNED_ROW_UNITS * sum(tables[part.write.table].write_rows for part in self.parts)
        if units > UNFILLED_UNITS_MAX:
            turn.budget.spend(units)
            turn.fill()
        actions = self._actions(tables, OneOfMany(turn.budget, len(self.parts)))
        admit_parts([(action.table, action.key) for action in actions], self.operation, is_write=True)
        with Paid() as paid:
            paid.writes += [action.table for action in actions]
            outcome = await transactions.write(context.store.engine, actions, self._token(context, tables))
        if isinstance(outcome, Refused):
            if isinstance(outcome.reason, TokenReused):
                raise errors.idempotent_parameter_mismatch()
            if isinstance(outcome.reason, InProgress):
                raise errors.transaction_in_progress()
            if isinstance(outcome.reason, RefusesAll):
                raise outcome.reason
            if isinstance(outcome.reason, Canceled):
                self._count_canceled(actions, outcome.reason)
                raise errors.transaction_canceled(outcome.reason.reasons)
            raise errors.transaction_canceled(outcome.reason)
        places = [action.table for action in actions]
        if isinstance(outcome, Replayed):
            self._count_replayed(places, outcome.sizes)
            return Transacted(places, None, outcome.sizes)
        count_writes(zip(places, outcome, strict=True), self._kind, TRANSACTION_FACTOR)
        return Transacted(places, outcome, [])

    @property
    def _kind(self) -> str:
        """Of the units that it uses."""
        return TRANSACTIONAL if self.operation == TRANSACT_WRITE else PARTIQL + TRANSACTIONAL

    def _count_replayed(self, tables: Sequence[Table], sizes: Sequence[int]) -> None:
        """What was done before is read."""
        meters: dict[int, Meter] = {}
        for table, size in zip(tables, sizes, strict=True):
            meter = meters.setdefault(table.space, Meter(table))
            meter.add(read_units(size, True), factor=TRANSACTION_FACTOR)
        for meter in meters.values():
            meter.count_reads(self._kind)

    def _count_canceled(self, actions: Sequence[Action], canceled: Canceled) -> None:
        """A condition that does not hold is charged, as that of a single write is, and with it all that was prepared
        beside it."""
        meters: dict[int, Meter] = {}
        for action, part, size in zip(actions, self.parts, canceled.sizes, strict=True):
            sent = part.write.size if isinstance(part.write, Put | InsertItem) else 0
            meter = meters.setdefault(action.table.space, Meter(action.table))
            meter.add(write_units(max(size, sent)), factor=TRANSACTION_FACTOR)
        for meter in meters.values():
            meter.count_writes(self._kind)

    def _actions(self, tables: dict[str, Table], budget: Budget) -> list[Action]:
        """Actions on storage keys. The first item that does not fit its table cancels the transaction, unless one has
        an empty key: then it is none."""
        misfit: ClientError | None = None
        actions: list[Action] = []
        seen: set[Key] = set()
        for position, part in enumerate(self.parts):
            write = part.write
            table = tables[write.table]
            try:
                key = write.place(table)
            except RefusesAll:
                raise
            except ClientError as fault:
                misfit = misfit or transactions.misfit(fault, position, len(self.parts))
                continue
            if key in seen:
                raise errors.validation("Transaction request cannot include multiple operations on one item")
            seen.add(key)
            unmet = DUPLICATE if isinstance(write, InsertItem) else UNMET
            apply = _with_reasons(unless_full(table, write.apply(table, budget)), part.shows, unmet)
            actions.append(Action(table, key, apply, isinstance(write, Check | CheckByKey)))
        if misfit is not None:
            raise misfit
        return actions

    def _token(self, context: Context, tables: dict[str, Table]) -> Token | None:
        if self.token is None:
            return None
        principal = context.principal
        token, digest = self.token
        return Token.of(principal.account, principal.region, token, digest, context.now(), tables.values())


def _with_reasons(apply: Apply, shows: bool, unmet: Reason) -> Apply:
    """An action's function, its refusals and faults made cancellation reasons. `unmet`: that of a refusal."""

    def reasoned(old: Image | None) -> Image | Refused | None:
        try:
            new = apply(old)
        except RefusesAll as fault:
            return Refused(fault)
        except Throttled as fault:
            return Refused({"Code": fault.part_code, "Message": fault.message})
        except ClientError as fault:
            return Refused({"Code": "ValidationError", "Message": fault.message})
        if not isinstance(new, Refused):
            return new
        reason = dict(unmet)
        if old is not None and shows:
            reason["Item"] = old.item
        return Refused(reason)

    return reasoned
