"""Alarms in the store, and their history."""

from pathlib import Path
from typing import Any

from tests.store.kit import ACCOUNT, REGION, Kit

from statordb.store.alarms import alarms
from statordb.store.alarms.alarms import TOO_MANY, Turn
from statordb.store.alarms.records import CONFIGURATION, STATE, AlarmName, AlarmRecord, HistoryRecord
from statordb.store.terms import Refused

NAME = AlarmName(ACCOUNT, REGION, "reads")


def drafted(kit: Kit, name: str = "reads", **members: Any) -> AlarmRecord:
    given: dict[str, Any] = {
        "namespace": "AWS/DynamoDB",
        "metric": "ConsumedReadCapacityUnits",
        "dimensions": {"TableName": "abc"},
        "statistic": "Sum",
    }
    return AlarmRecord(
        ACCOUNT, REGION, name, "GreaterThanThreshold", 5.0, 1, 60, kit.clock.now(), **{**given, **members}
    )


def history(kit: Kit) -> list[HistoryRecord]:
    now = kit.clock.now()
    found, _, _ = kit.run(kit.store.alarms.history(ACCOUNT, REGION, 0.0, now, None, True))
    return found


def test_an_alarm_that_is_changed_keeps_its_state_and_tags(kit: Kit) -> None:
    store = kit.store.alarms
    assert kit.run(store.put(drafted(kit, tags={"team": "green"}))) is None
    kit.clock.advance(1)
    kit.run(store.turn(NAME, Turn("ALARM", "because")))
    kit.clock.advance(1)
    kit.run(store.put(drafted(kit, statistic="Average")))
    found = kit.run(store.find(NAME))
    assert found is not None
    assert (found.state, found.reason, found.tags, found.statistic) == (
        "ALARM",
        "because",
        {"team": "green"},
        "Average",
    )
    assert [(entry.kind, entry.summary) for entry in history(kit)] == [
        (CONFIGURATION, 'Alarm "reads" updated'),
        (STATE, "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        (CONFIGURATION, 'Alarm "reads" created'),
    ]


def test_the_same_state_is_no_news(kit: Kit) -> None:
    store = kit.store.alarms
    kit.run(store.put(drafted(kit)))
    kit.run(store.turn(NAME, Turn("OK", "first")))
    since = kit.clock.now()
    kit.clock.advance(5)
    before = kit.run(store.turn(NAME, Turn("OK", "second")))
    found = kit.run(store.find(NAME))
    assert before is not None
    assert found is not None
    assert (found.reason, found.turned_at, found.told_at) == ("second", since, since + 5)
    assert [entry.kind for entry in history(kit)].count(STATE) == 1


def test_a_state_that_was_worked_out_of_another_alarm_is_not_put(kit: Kit) -> None:
    """The keeper reads an alarm and its figures, and meanwhile somebody may have changed what it watches."""
    store = kit.store.alarms
    kit.run(store.put(drafted(kit)))
    seen = kit.run(store.find(NAME))
    kit.clock.advance(1)
    kit.run(store.put(drafted(kit, statistic="Average")))
    assert kit.run(store.turn(NAME, Turn("ALARM", "of before"), seen)) is None


def test_a_deleted_alarm_leaves_its_history(kit: Kit) -> None:
    store = kit.store.alarms
    kit.run(store.put(drafted(kit)))
    kit.clock.advance(1)
    assert kit.run(store.delete(NAME))
    assert not kit.run(store.delete(NAME))
    assert kit.run(store.find(NAME)) is None
    assert [entry.summary for entry in history(kit)] == ['Alarm "reads" deleted', 'Alarm "reads" created']


def test_old_history_is_forgotten(kit: Kit) -> None:
    kit.run(kit.store.alarms.put(drafted(kit)))
    kit.clock.advance(alarms.HISTORY_SECONDS + 1)
    kit.run(kit.store.alarms.put(drafted(kit)))
    assert len(history(kit)) == 1
    assert kit.run(kit.store.alarms.forget(None)) is None


def test_alarms_are_listed_by_their_names(kit: Kit) -> None:
    store = kit.store.alarms
    for name in ("b", "ab", "a", "c/d"):
        kit.run(store.put(drafted(kit, name)))
    found, more = kit.run(store.page(ACCOUNT, REGION, "", None, 2))
    assert ([record.name for record in found], more) == (["a", "ab"], True)
    found, more = kit.run(store.page(ACCOUNT, REGION, "", "ab", 2))
    assert ([record.name for record in found], more) == (["b", "c/d"], False)
    found, more = kit.run(store.page(ACCOUNT, REGION, "a", None, 9))
    assert ([record.name for record in found], more) == (["a", "ab"], False)
    found, place = kit.run(store.chunk(None))
    assert {record.name for record in found} == {"a", "ab", "b", "c/d"}
    assert place is None


def test_there_is_a_most_of_them(kit: Kit, monkeypatch: Any) -> None:
    monkeypatch.setattr(alarms, "ALARMS_MAX", 1)
    assert kit.run(kit.store.alarms.put(drafted(kit))) is None
    assert kit.run(kit.store.alarms.put(drafted(kit, "another"))) == TOO_MANY
    assert kit.run(kit.store.alarms.put(drafted(kit, statistic="Maximum"))) is None


def test_a_missing_alarm_is_not_changed(kit: Kit) -> None:
    store = kit.store.alarms
    assert kit.run(store.turn(NAME, Turn("OK", ""))) is None
    assert isinstance(kit.run(store.change(NAME, lambda found: Refused("no"))), Refused)
    assert kit.run(store.tag(NAME, dict)) == alarms.NOT_THERE


def test_alarms_outlive_the_store(kit: Kit, directory: Path) -> None:
    kit.run(kit.store.alarms.put(drafted(kit)))
    kit.run(kit.store.alarms.turn(NAME, Turn("ALARM", "because", '{"version":"1.0"}')))
    kit.run(kit.store.close())
    again = Kit(directory)
    found = again.run(again.store.alarms.find(NAME))
    assert found is not None
    assert (found.state, found.reason_data) == ("ALARM", '{"version":"1.0"}')
    kit.engine = again.engine
    kit.store = again.store
    again.loop.close()
