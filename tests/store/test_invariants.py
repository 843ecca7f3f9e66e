"""The judge of stores judges: one that is broken in the way it looks for does not pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.invariants import check
from tests.store.kit import Kit

from statordb.engine.contract import Effects, Key, Use
from statordb.store.records import ExpiryRecord
from statordb.store.table import Table

Break = Callable[[Kit, Table], Effects | None]


def orphan(kit: Kit, table: Table) -> None:
    kit.space(Use.LOG)


def lost(kit: Kit, table: Table) -> None:
    kit.run(kit.engine.drop_space(table.space))


def entry_gone(kit: Kit, table: Table) -> Effects:
    row = kit.rows(table.indexes[0].space)[0]
    return Effects(derived=[(Key(table.indexes[0].space, row.partition, row.sort), None, None)])


def entry_too_many(kit: Kit, table: Table) -> Effects:
    return Effects(derived=[(Key(table.indexes[0].space, b"other", b""), b"x", None)])


def entry_stale(kit: Kit, table: Table) -> Effects:
    row = kit.rows(table.indexes[0].space)[0]
    return Effects(derived=[(Key(table.indexes[0].space, row.partition, row.sort), row.body + b" ", None)])


def expiry_gone(kit: Kit, table: Table) -> Effects:
    assert table.expiry is not None
    row = kit.rows(table.expiry.space)[0]
    return Effects(derived=[(Key(table.expiry.space, row.partition, row.sort), None, None)])


def miscounted(kit: Kit, table: Table) -> Effects:
    return Effects(tallies=[(table.space, 1, 0)])


def index_miscounted(kit: Kit, table: Table) -> Effects:
    return Effects(tallies=[(table.indexes[0].space, 0, 1)])


@pytest.mark.parametrize(
    "broken",
    [orphan, lost, entry_gone, entry_too_many, entry_stale, expiry_gone, miscounted, index_miscounted],
    ids=lambda broken: broken.__name__,
)
def test_what_is_broken_is_found(kit: Kit, broken: Break) -> None:
    record = kit.record("abc", "pS gS", key_schema=[{"AttributeName": "p", "KeyType": "HASH"}])
    expiry = ExpiryRecord("t", kit.space(Use.DERIVED), ready=True)
    table = kit.made(replace(record, indexes=[kit.index("ggg", "g")], expiry=expiry))
    for name in "ab":
        kit.put(table, {"p": {"S": name}, "g": {"S": "x"}, "t": {"N": "1800000000"}})
    kit.run(check(kit.store))
    effects = broken(kit, table)
    if effects is not None:
        kit.run(kit.engine.update((), lambda stored: effects))
    with pytest.raises(AssertionError):
        kit.run(check(kit.store))
