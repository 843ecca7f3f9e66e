"""Backups that are made by themselves: when, of which tables, how often, and how long they are kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.archive.backed_up import create, put, work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api

from statordb.keeper.backup_schedules import BackupSchedule, BackupSchedules, NotBackedUp
from statordb.store.scaling.schedules import parse

HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path)
    create(made)
    yield made
    made.close()


def schedule(
    text: str = "rate(1 hour)", *tables: str, name: str = "hourly", keep: float | None = None
) -> BackupSchedule:
    return BackupSchedule(name, text, parse(text), tables or ("*",), keep)


def run(api: Api, *schedules: BackupSchedule, duty: BackupSchedules | None = None) -> BackupSchedules:
    """A keeper that begins with them, until there is no more to do; then what they asked for."""
    duty = duty or BackupSchedules(api.store, schedules)
    while api.run(duty.run_once()):
        pass
    work(api, MemoryBucket())
    return duty


def names(api: Api) -> Sequence[str]:
    return sorted(each["BackupName"] for each in listed(api))


def listed(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("ListBackups")["BackupSummaries"]
    return found


def test_each_time_that_is_due_makes_one_backup_of_each_table(api: Api) -> None:
    create(api, "def")
    duty = run(api, schedule())
    assert listed(api) == []
    for _ in range(2):
        api.clock.advance(HOUR)
        for _ in range(3):
            run(api, duty=duty)
    found = listed(api)
    assert sorted(each["TableName"] for each in found) == ["abc", "abc", "def", "def"]
    assert {(each["BackupType"], each["BackupStatus"]) for each in found} == {("USER", "AVAILABLE")}
    assert names(api)[0] == "hourly-20231114T231320Z"


def test_which_keeper_has_it_does_not_matter(api: Api) -> None:
    run(api, schedule())
    api.clock.advance(HOUR)
    run(api, schedule())
    run(api, schedule())
    assert len(listed(api)) == 1


def test_what_fell_due_while_none_ran_is_made_up_for_once(api: Api) -> None:
    run(api, schedule())
    api.clock.advance(10 * HOUR + 60)
    run(api, schedule())
    assert names(api) == ["hourly-20231115T081420Z"]
    api.clock.advance(HOUR - 61)
    run(api, schedule())
    assert len(listed(api)) == 1
    api.clock.advance(2)
    run(api, schedule())
    assert len(listed(api)) == 2


def test_who_died_in_between_is_gone_on_for_without_a_second_backup_of_a_table(api: Api) -> None:
    tables = sorted(f"t{number:02d}" for number in range(9))
    for name in tables:
        create(api, name)
    run(api, schedule("rate(1 hour)", "t*"))
    api.clock.advance(HOUR)
    assert api.run(BackupSchedules(api.store, [schedule("rate(1 hour)", "t*")]).run_once())  # some of them
    api.clock.advance(60)
    run(api, schedule("rate(1 hour)", "t*"))
    found = listed(api)
    assert sorted(each["TableName"] for each in found) == tables
    assert len({each["BackupName"] for each in found}) == 1


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        (("a*",), ["abc"]),
        (("000000000000/us-east-1/d*",), ["def"]),
        (("111111111111/*",), []),
        (("abc", "def"), ["abc", "def"]),
    ],
)
def test_tables_are_chosen_by_patterns(api: Api, patterns: tuple[str, ...], taken: list[str]) -> None:
    create(api, "def")
    run(api, schedule("rate(1 hour)", *patterns))
    api.clock.advance(HOUR)
    run(api, schedule("rate(1 hour)", *patterns))
    assert sorted(each["TableName"] for each in listed(api)) == taken


def test_those_whose_time_is_over_go(api: Api) -> None:
    put(api, "x")
    duty = run(api, schedule(keep=3 * HOUR), schedule("rate(4 hours)", name="seldom"))
    for _ in range(8):
        api.clock.advance(HOUR)
        run(api, duty=duty)
    kept = names(api)
    assert len([name for name in kept if name.startswith("seldom-")]) == 2
    assert len([name for name in kept if name.startswith("hourly-")]) in (3, 4)
    run(api)  # no schedule is left
    api.clock.advance(2 * DAY)
    run(api)
    assert [name for name in names(api) if name.startswith("hourly-")] == []


def test_what_says_something_else_begins_anew(api: Api) -> None:
    run(api, schedule())
    api.clock.advance(HOUR - 60)
    run(api, schedule("cron(0 3 * * ? *)"))
    api.clock.advance(120)
    run(api, schedule("cron(0 3 * * ? *)"))
    assert listed(api) == []
    api.clock.advance(DAY)
    run(api, schedule("cron(0 3 * * ? *)"))
    assert len(listed(api)) == 1


def test_a_table_that_can_not_be_backed_up_is_told_and_the_others_are(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(api, "def")
    run(api, schedule())
    api.clock.advance(HOUR)

    async def is_worn(store: object, table: Any) -> bool:
        return bool(table.name == "abc")

    monkeypatch.setattr("statordb.keeper.backup_schedules.is_worn", is_worn)
    with pytest.raises(NotBackedUp, match="abc"):
        run(api, schedule())
    run(api, schedule())
    assert [each["TableName"] for each in listed(api)] == ["def"]
