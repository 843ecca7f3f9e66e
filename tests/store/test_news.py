"""Who keeps what was read forgets what is announced, and nothing else."""

from dataclasses import replace

import pytest
from tests.store.engines import Around
from tests.store.kit import ACCOUNT, REGION, Kit

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Effects, Key
from statordb.store import contention
from statordb.store.catalog import Catalog
from statordb.store.credentials import Credentials
from statordb.store.keyspace import Space
from statordb.store.news import KEY, News, Subject


class Blunt(Around):
    """An engine that knows only that something was announced."""

    def announced(self, since: int) -> tuple[None, int]:
        return None, self.inner.epoch()


def test_a_subject_stays_the_same_while_others_are_announced(kit: Kit) -> None:
    credentials = Credentials(kit.engine, Sealer(FileKeys(kit.directory)), kit.clock)
    keys = Subject(kit.engine, KEY)
    before = keys.number()
    kit.put_record(kit.record("abc"))
    kit.run(contention.announce(kit.engine))
    assert keys.number() == before
    made = kit.run(credentials.create(ACCOUNT))
    assert (after := keys.number()) != before
    assert keys.number() == after
    kit.run(credentials.delete(made.access_key_id))
    assert keys.number() != after


def test_what_is_announced_without_a_name_is_about_everything(kit: Kit) -> None:
    news, keys = News(kit.engine), Subject(kit.engine, KEY)
    kit.run(kit.engine.update((), lambda stored: Effects(announce=("a", "b"))))
    kit.run(kit.engine.update((), lambda stored: Effects(announce=("c",))))
    assert news.seen != kit.engine.epoch()
    assert news.fetch() == ["a", "b", "c"]
    assert news.seen == kit.engine.epoch()
    assert news.fetch() == []
    before = keys.number()
    kit.run(kit.engine.update((), lambda stored: Effects(announce=True)))
    assert news.fetch() is None
    assert keys.number() != before


class Counting(Around):
    """Counts the rows of the catalog that are read one by one."""

    reads = 0

    async def get(self, key: Key, *more: object) -> object:
        self.reads += key.space == Space.CATALOG
        return await self.inner.get(key, *more)


@pytest.mark.parametrize("blunt", [False, True])
def test_every_table_is_known_as_it_is_now(kit: Kit, blunt: bool) -> None:
    engine = Counting((Blunt if blunt else Around)(kit.engine).as_engine())
    catalog = Catalog(engine.as_engine(), kit.clock, kit.store.kms.keys, kit.store.taps)
    for name in ("a", "b", "c"):
        kit.put_record(kit.record(name))
    assert sorted(record.name for record in kit.run(catalog.all())) == ["a", "b", "c"]
    engine.reads = 0
    kit.run(contention.announce(kit.engine))
    kit.put_record(replace(kit.find("b").record, tags={"x": "y"}))
    kit.put_record(kit.record("d"))
    kit.run(kit.catalog.change(ACCOUNT, REGION, "a", lambda old: None))
    found = {record.name: record for record in kit.run(catalog.all())}
    assert sorted(found) == ["b", "c", "d"]
    assert found["b"].tags == {"x": "y"}
    assert engine.reads == (0 if blunt else 3)
    assert list(found.values()) == kit.run(catalog.all())


def test_reading_that_fails_is_begun_anew(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was announced then is not told again."""
    kit.put_record(kit.record("a"))
    kit.run(kit.catalog.all())
    kit.put_record(kit.record("b"))
    with monkeypatch.context() as broken:
        broken.setattr(kit.engine, "get", None)
        with pytest.raises(TypeError):
            kit.run(kit.catalog.all())
    assert sorted(record.name for record in kit.run(kit.catalog.all())) == ["a", "b"]
