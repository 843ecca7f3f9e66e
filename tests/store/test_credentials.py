"""Access keys in a store: their form, their secrecy, and what other processes see."""

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer, Unsealable
from statordb.engine.contract import Effects, Key, Refused, Stored
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import ManualClock
from statordb.store.credentials import Credentials
from statordb.store.keyspace import Space

Result = TypeVar("Result")


class Fixture:
    """Credentials on a store of its own, in one event loop."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.engine = LmdbEngine.open(path / "store", durable=False)
        self.credentials = Credentials(self.engine, Sealer(FileKeys(path)), self.clock)

    def run(self, work: Coroutine[None, None, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.engine.close())
        self.loop.close()


@pytest.fixture
def kept(tmp_path: Path):  # type: ignore[no-untyped-def]
    fixture = Fixture(tmp_path)
    yield fixture
    fixture.close()


def test_keys_have_the_form_that_aws_gives_them(kept: Fixture) -> None:
    made = kept.run(kept.credentials.create("000000000000"))
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", made.secret)
    assert made.arn == "arn:aws:iam::000000000000:root"


def test_a_key_is_found_with_its_secret(kept: Fixture) -> None:
    made = kept.run(kept.credentials.create("111111111111"))
    found = kept.run(kept.credentials.lookup(made.access_key_id))
    assert found is not None
    assert (found.secret, found.account, found.arn) == (made.secret, made.account, "arn:aws:iam::111111111111:root")
    assert kept.run(kept.credentials.lookup("AKIAAAAAAAAAAAAAAAAA")) is None


def test_the_secret_is_not_in_the_store(kept: Fixture) -> None:
    made = kept.run(kept.credentials.create("000000000000"))
    [stored] = kept.run(kept.engine.read((Key(Space.CREDENTIALS, made.access_key_id.encode(), b""),)))
    assert stored is not None
    assert made.secret.encode() not in stored.body


def test_keys_are_listed_by_age_and_account(kept: Fixture) -> None:
    ids = []
    for account in ("000000000000", "111111111111", "000000000000"):
        ids.append(kept.run(kept.credentials.create(account)).access_key_id)
        kept.clock.advance(1)
    assert [record.access_key_id for record in kept.run(kept.credentials.list())] == ids
    assert [record.access_key_id for record in kept.run(kept.credentials.list("000000000000"))] == [ids[0], ids[2]]


def test_a_deleted_key_is_gone(kept: Fixture) -> None:
    made = kept.run(kept.credentials.create("000000000000"))
    assert not kept.run(kept.credentials.delete(made.access_key_id, "111111111111"))
    assert kept.run(kept.credentials.delete(made.access_key_id))
    assert not kept.run(kept.credentials.delete(made.access_key_id))
    assert kept.run(kept.credentials.lookup(made.access_key_id)) is None


def test_changes_are_announced(kept: Fixture) -> None:
    """Other processes keep credentials until the epoch differs."""
    epochs = [kept.engine.epoch()]
    made = kept.run(kept.credentials.create("000000000000"))
    epochs.append(kept.engine.epoch())
    kept.run(kept.credentials.delete(made.access_key_id))
    epochs.append(kept.engine.epoch())
    assert len(set(epochs)) == 3


def test_an_id_that_is_taken_is_not_given_again(kept: Fixture) -> None:
    draws = iter([b"\0" * 16, b"\0" * 30, b"\0" * 16, b"\0" * 30, b"\1" * 16, b"\0" * 30])
    kept.credentials._random = lambda length: next(draws)
    first = kept.run(kept.credentials.create("000000000000"))
    second = kept.run(kept.credentials.create("000000000000"))
    assert (first.access_key_id, second.access_key_id) == ("AKIA" + "A" * 16, "AKIA" + "B" * 16)


def test_a_row_moved_to_another_id_does_not_open(kept: Fixture) -> None:
    """Who can write the store still can't make a known secret sign for another key."""
    made = kept.run(kept.credentials.create("000000000000"))
    source = Key(Space.CREDENTIALS, made.access_key_id.encode(), b"")
    target = Key(Space.CREDENTIALS, b"AKIAAAAAAAAAAAAAAAAA", b"")

    def move(stored: list[Stored | None]) -> Effects | Refused:
        assert stored[0] is not None
        return Effects(writes=((target, stored[0].body),))

    kept.run(kept.engine.update((source, target), move))
    with pytest.raises(Unsealable):
        kept.run(kept.credentials.lookup("AKIAAAAAAAAAAAAAAAAA"))
