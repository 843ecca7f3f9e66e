"""Writes that go by a schema which changes all the time, or that are to wait, end: the client is told to try again."""

from collections.abc import Sequence

import pytest
from tests.store.engines import Around
from tests.store.kit import ACCOUNT, REGION, Kit

from statordb.engine.contract import Effects, Guard, Key, Plan, Refused, Stale
from statordb.model.errors import ClientError
from statordb.model.values import check_item
from statordb.store import table as tables
from statordb.store import transactions
from statordb.store.catalog import Catalog
from statordb.store.image import Image
from statordb.store.records import LogHead
from statordb.store.table import MOVED, Table
from statordb.store.transactions import Action

ITEM = {"p": {"S": "a"}}


class Restless(Around):
    """The schema has changed, or the entries that were looked up have, whenever something is written."""

    def __init__(self, kit: Kit, moved: bool) -> None:
        super().__init__(kit.engine)
        self.moved = moved
        self.updates = 0

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        self.updates += 1
        return Refused(MOVED) if self.moved else Stale(footprint[0])


def found(kit: Kit, engine: Around) -> Table:
    table = kit.run(
        Catalog(engine.as_engine(), kit.clock, kit.store.kms.keys, kit.store.taps).find(ACCOUNT, REGION, "abc")
    )
    assert table is not None
    return table


def write(kit: Kit, table: Table, engine: Around, several: bool) -> None:
    image = Image.of(ITEM, check_item(ITEM))
    key = table.primary.key(ITEM)
    if several:
        kit.run(transactions.write(engine.as_engine(), [Action(table, key, lambda old: image, False)], None))
    else:
        kit.run(table.write(key, lambda old: image))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_a_write_does_not_try_for_ever(kit: Kit, moved: bool, several: bool) -> None:
    kit.put_record(kit.record("abc", "pS"))
    engine = Restless(kit, moved)
    with pytest.raises(ClientError) as refused:
        write(kit, found(kit, engine), engine, several)
    assert refused.value.code == "ThrottlingException"
    assert engine.updates == len(tables.LOOKS)


@pytest.mark.parametrize("several", [False, True])
def test_a_write_does_not_wait_for_ever(kit: Kit, monkeypatch: pytest.MonkeyPatch, several: bool) -> None:
    """The keeper that let it wait may be gone, and no other be there."""
    monkeypatch.setattr(tables, "PAUSED_SECONDS_MAX", 0.05)
    monkeypatch.setattr(tables, "LOOK_SECONDS", 0.02)
    kit.put_record(kit.record("abc", "pS", log=LogHead(kit.space(), "KEYS_ONLY", [[0, "s"]], paused=True)))
    with pytest.raises(ClientError) as refused:
        write(kit, kit.find(), Around(kit.engine), several)
    assert refused.value.code == "ThrottlingException"
