"""Uses of access keys are noted now and then, beside the requests, and found after a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.engines import Around
from tests.store.kit import Kit

from statordb.engine.contract import Overloaded
from statordb.store.identities import key_uses
from statordb.store.identities.key_uses import NOTED_SECONDS, KeyUses, forget
from statordb.store.identities.records import KeyUseRecord

KEY, SESSION = "AKIAABCDEFGHIJKLMNOP", "ASIAABCDEFGHIJKLMNOP"
USE = KeyUseRecord(1000.0, "dynamodb", "us-east-1")


@pytest.fixture
def kit(directory: Path):  # type: ignore[no-untyped-def]
    made = Kit(directory)
    yield made
    made.close()


def noted(kit: Kit, uses: KeyUses, work: Callable[[KeyUses], None]) -> None:
    async def run() -> None:
        work(uses)
        await uses.settle()

    kit.run(run())


def test_a_use_is_found_by_others_and_the_latest_counts(kit: Kit) -> None:
    noted(kit, KeyUses(kit.engine), lambda uses: uses.note(KEY, "dynamodb", "us-east-1", 1000.0))
    assert kit.run(KeyUses(kit.engine).last(KEY)) == USE
    noted(kit, KeyUses(kit.engine), lambda uses: uses.note(KEY, "kms", "eu-west-1", 900.0))
    assert kit.run(KeyUses(kit.engine).last(KEY)) == USE, "another process comes late with an earlier one"
    noted(kit, KeyUses(kit.engine), lambda uses: uses.note(KEY, "kms", "eu-west-1", 1100.0))
    assert kit.run(KeyUses(kit.engine).last(KEY)) == KeyUseRecord(1100.0, "kms", "eu-west-1")
    kit.run(forget(kit.engine, KEY))
    assert kit.run(KeyUses(kit.engine).last(KEY)) is None


def test_roles_have_last_uses_too(kit: Kit) -> None:
    role = "AROAABCDEFGHIJKLMNOP"
    noted(kit, KeyUses(kit.engine), lambda uses: uses.note(role, "dynamodb", "us-east-1", 1000.0))
    assert kit.run(KeyUses(kit.engine).last(role)) == USE


def test_a_process_notes_a_key_once_in_a_while_and_no_session(kit: Kit) -> None:
    engine = Counting(kit)
    uses = KeyUses(engine.as_engine())

    def work(uses: KeyUses) -> None:
        for second in range(int(NOTED_SECONDS) + 1):
            uses.note(KEY, "dynamodb", "us-east-1", 1000.0 + second)
            uses.note(SESSION, "dynamodb", "us-east-1", 1000.0 + second)

    noted(kit, uses, lambda uses: uses.note(KEY, "dynamodb", "us-east-1", 1000.0))
    noted(kit, uses, work)
    assert engine.updates == 2
    assert kit.run(uses.last(SESSION)) is None


def test_what_waits_is_bounded(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_uses, "WAITING_MAX", 2)
    engine = Counting(kit)
    uses = KeyUses(engine.as_engine())
    keys = [f"AKIA{number:016}" for number in range(3)]

    def work(uses: KeyUses) -> None:
        for key in keys:
            uses.note(key, "dynamodb", "us-east-1", 1000.0)

    noted(kit, uses, work)
    assert engine.updates == 2
    noted(kit, uses, work)
    assert engine.updates == 3, "its next use is noted"


def test_a_store_that_is_too_busy_is_told_and_hinders_nobody(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    engine = Counting(kit, fault=Overloaded())
    uses = KeyUses(engine.as_engine())
    noted(kit, uses, lambda uses: uses.note(KEY, "dynamodb", "us-east-1", 1000.0))
    assert [record.message for record in caplog.records] == ["uses of access keys can't be noted"]
    engine.fault = None
    noted(kit, uses, lambda uses: uses.note(KEY, "dynamodb", "us-east-1", 1000.0 + NOTED_SECONDS))
    assert kit.run(uses.last(KEY)) is not None


class Counting(Around):
    def __init__(self, kit: Kit, fault: Exception | None = None) -> None:
        super().__init__(kit.engine)
        self.updates = 0
        self.fault = fault

    async def update(self, *arguments: object) -> object:
        if self.fault is not None:
            raise self.fault
        self.updates += 1
        await asyncio.sleep(0)
        return await self.inner.update(*arguments)  # type: ignore[arg-type]
