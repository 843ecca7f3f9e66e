"""The catalog: what is cached is never believed too long, by any process, and no write goes by an old schema."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS
from tests.store.kit import Kit

from statordb.engine.contract import Refused
from statordb.model.errors import ClientError
from statordb.store.image import Image
from statordb.store.records import TableRecord

SCOPE = ("000000000000", "us-east-1")


def test_a_table_is_found_by_account_region_and_name(kit: Kit) -> None:
    kit.put_record(kit.record("abc"))
    assert kit.find("abc").name == "abc"
    for other in (("111111111111", "us-east-1", "abc"), (SCOPE[0], "eu-west-1", "abc"), (*SCOPE, "abd")):
        assert kit.run(kit.catalog.find(*other)) is None


def test_a_found_table_is_cached_until_it_changes(kit: Kit) -> None:
    kit.put_record(kit.record("abc"))
    assert kit.catalog.cached(*SCOPE, "abc") is None
    table = kit.find("abc")
    assert kit.find("abc") is table is kit.catalog.cached(*SCOPE, "abc")
    kit.put_record(kit.record("other"))
    assert kit.find("abc") is table, "another one changed"
    kit.put_record(replace(table.record, tags={"a": "b"}))
    assert kit.catalog.cached(*SCOPE, "abc") is None
    assert kit.find("abc") is not table


def test_a_removed_table_is_gone_at_once(kit: Kit) -> None:
    kit.made(kit.record("abc"))
    kit.run(kit.catalog.change(*SCOPE, "abc", lambda old: None))
    assert kit.catalog.cached(*SCOPE, "abc") is None
    assert kit.run(kit.catalog.find(*SCOPE, "abc")) is None


def test_a_change_sees_the_record_as_it_is_and_may_refuse(kit: Kit) -> None:
    record = kit.record("abc")
    seen: list[TableRecord | None] = []

    def refuse(old: TableRecord | None) -> Refused:
        seen.append(old)
        return Refused("no")

    assert kit.run(kit.catalog.change(*SCOPE, "abc", refuse)) == Refused("no")
    kit.put_record(record)
    table = kit.find("abc")
    assert kit.run(kit.catalog.change(*SCOPE, "abc", refuse)) == Refused("no")
    assert seen == [None, record]
    assert kit.find("abc").record == table.record


def test_a_deleted_table_is_not_found_once_its_time_has_come(kit: Kit) -> None:
    kit.put_record(kit.record("abc", status="DELETING", settles_at=kit.clock.now() + 10))
    kit.put_record(kit.record("other"))
    for _ in range(2):  # from the store, then perhaps from the cache
        assert kit.find("abc").record.status == "DELETING"
    kit.clock.advance(10)
    assert kit.run(kit.catalog.find(*SCOPE, "abc")) is None
    assert kit.run(kit.catalog.names(*SCOPE, None, 10)) == (["other"], False)


def test_names_come_in_order_and_in_pages(kit: Kit) -> None:
    wanted = sorted(["zzz", "Zzz", "a.b", "a-b", "a_b", "aaa", "aab"])
    for name in wanted:
        kit.put_record(kit.record(name))
    kit.put_record(kit.record("aaab", status="DELETING", settles_at=0.0))  # gone, but not forgotten yet
    kit.put_record(kit.record("foreign", account="111111111111"))
    for limit in range(1, 9):
        found: list[str] = []
        more = True
        while more:
            page, more = kit.run(kit.catalog.names(*SCOPE, found[-1] if found else None, limit))
            assert len(page) == limit or not more
            found += page
        assert found == wanted
    assert kit.run(kit.catalog.names(*SCOPE, "aaaa", 1)) == (["aab"], True)  # behind a name that does not exist


def test_the_keeper_sees_tables_of_every_account_and_region(kit: Kit) -> None:
    scopes = [("000000000000", "us-east-1"), ("000000000000", "eu-west-1"), ("111111111111", "us-east-1")]
    for account, region in scopes:
        kit.put_record(kit.record("abc", account=account, region=region))
        kit.put_record(kit.record("abd", account=account, region=region))
    found = [(record.account, record.region, record.name) for record in kit.run(kit.catalog.all())]
    assert sorted(found) == sorted((*scope, name) for scope in scopes for name in ("abc", "abd"))


def test_a_write_by_an_old_schema_is_done_by_the_new_one(kit: Kit) -> None:
    """The write was on its way when the index came: its entry must be there."""
    old = kit.made(kit.record("abc", "pS cN"))
    index = kit.index("ggg", "g")
    definitions = [*old.record.definitions, {"AttributeName": "g", "AttributeType": "S"}]
    kit.put_record(replace(old.record, indexes=[index], definitions=definitions))
    kit.put(old, {"p": {"S": "a"}, "c": {"N": "1"}, "g": {"S": "x"}})
    assert len(kit.rows(index.space)) == 1


def test_a_write_to_a_table_that_went_meanwhile_is_refused(kit: Kit) -> None:
    old = kit.made(kit.record("abc"))
    kit.run(kit.catalog.change(*SCOPE, "abc", lambda old: None))
    item: dict[str, Any] = {"p": {"S": "a"}, "c": {"N": "1"}}
    for _ in range(2):  # the second time there is another table of that name
        with pytest.raises(ClientError) as caught:
            kit.put(old, item)
        assert caught.value.code == "ResourceNotFoundException"
        new = kit.made(kit.record("abc"))
    assert kit.rows(old.space) == kit.rows(new.space) == []


Say = Callable[[str], str]


@pytest.fixture
def say(kit: Kit, directory: Path) -> Iterator[Say]:
    """Another process on the store: says a line, gives its answer."""
    program = Path(__file__).parent / "programs" / "tables.py"
    process = subprocess.Popen(
        [sys.executable, str(program), str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def talk(line: str) -> str:
        stdin.write(line + "\n")
        stdin.flush()
        return stdout.readline().strip()

    yield talk
    stdin.close()
    assert process.wait(HANGS_SECONDS) == 0
    stdout.close()


@pytest.mark.slow
def test_processes_see_each_others_tables_at_once(kit: Kit, say: Say) -> None:
    """Each knows the table by heart when the other one changes it: an acknowledged change is seen by all."""
    assert say("find abc") == "none"
    table = kit.made(kit.record("abc", "pS"))
    assert say("find abc") == "PROVISIONED"
    for mode in ("PAY_PER_REQUEST", "PROVISIONED"):
        assert say(f"bill abc {mode}") == "billed"
        assert kit.find("abc").record.billing_mode == mode
        other = "mode of " + mode
        kit.put_record(replace(kit.find("abc").record, billing_mode=other.replace(" ", "-")))
        assert say("find abc") == other.replace(" ", "-")
    assert say("create abd") == "created"
    assert kit.find("abd").name == "abd"
    assert say("delete abc") == "deleted"
    assert kit.run(kit.catalog.find(*SCOPE, "abc")) is None
    with pytest.raises(ClientError):
        kit.run(table.write(table.primary.key({"p": {"S": "a"}}), lambda old: Image.of({"p": {"S": "a"}}, 2)))


@pytest.mark.slow
def test_a_write_of_another_process_goes_by_the_new_schema(kit: Kit, say: Say) -> None:
    table = kit.made(kit.record("abc", "pS"))
    assert say("find abc") == "PROVISIONED"
    index = kit.index("ggg", "p")
    kit.put_record(replace(table.record, indexes=[index]))
    assert say("put abc") == "put"
    assert len(kit.rows(index.space)) == 1
