"""Scheduled actions, as they are put and told; tests/store has the times that expressions mean."""

from typing import Any

import pytest
from tests.scaling_api.scaling_kit import ACCOUNT, REGION, Scaling, refused, scope

from statordb.store.scaling import schedules
from statordb.store.scaling.records import ActionRecord

ACTION = {"MinCapacity": 2, "MaxCapacity": 20}


def put(scaling: Scaling, name: str = "a", **more: Any) -> None:
    given = {"Schedule": "rate(1 hour)", "ScalableTargetAction": ACTION, **more}
    given = {key: value for key, value in given.items() if value is not None}
    scaling.client.put_scheduled_action(ScheduledActionName=name, **scope(), **given)


def actions(scaling: Scaling, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scaling.client.describe_scheduled_actions(ServiceNamespace="dynamodb", **more)[
        "ScheduledActions"
    ]
    return found


def test_an_action_is_told_as_it_was_put(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    start = int(scaling.clock.now()) + 100
    put(scaling, Schedule="cron(0 8 * * ? *)", Timezone="Europe/Berlin", StartTime=start)
    scaling.restart()
    (told,) = actions(scaling)
    assert told.pop("CreationTime")
    assert told.pop("StartTime").timestamp() == start
    assert told.pop("ScheduledActionARN").startswith(f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scheduledAction:")
    assert told == {
        **scope(),
        "ScheduledActionName": "a",
        "Schedule": "cron(0 8 * * ? *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": ACTION,
    }


def test_an_action_that_is_put_again_keeps_what_is_not_given_but_its_times(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    put(scaling, StartTime=scaling.clock.now() + 9, EndTime=scaling.clock.now() + 9999)
    put(scaling, Schedule=None, ScalableTargetAction={"MinCapacity": 3})
    (told,) = actions(scaling)
    assert (told["Schedule"], told["ScalableTargetAction"]) == ("rate(1 hour)", {"MinCapacity": 3})
    assert "StartTime" not in told
    assert "EndTime" not in told


@pytest.mark.parametrize(
    "given",
    [
        {"Schedule": None},
        {"Schedule": "every day"},
        {"Schedule": "at(1999-12-31T23:59:59)"},
        {"Schedule": "cron(* * * * * *)"},
        {"Timezone": "Mars/Olympus"},
        {"ScalableTargetAction": {}},
        {"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}},
        {"ScalableTargetAction": {"MinCapacity": 0}},
        {"EndTime": 1},
    ],
)
def test_actions_that_are_none(scaling: Scaling, given: dict[str, Any]) -> None:
    scaling.table()
    scaling.register()
    code, text = refused(put, scaling=scaling, **given)
    assert (code, bool(text)) == ("ValidationException", True)
    assert actions(scaling) == []


def test_actions_are_listed_in_pages_and_deleted(scaling: Scaling) -> None:
    scaling.table()
    assert refused(put, scaling=scaling)[0] == "ObjectNotFoundException"
    scaling.register()
    for name in "cab":
        put(scaling, name)
    walk = scaling.client.get_paginator("describe_scheduled_actions")
    pages = walk.paginate(ServiceNamespace="dynamodb", PaginationConfig={"PageSize": 2})
    assert [each["ScheduledActionName"] for page in pages for each in page["ScheduledActions"]] == ["a", "b", "c"]
    assert [each["ScheduledActionName"] for each in actions(scaling, ScheduledActionNames=["b"])] == ["b"]
    scaling.client.delete_scheduled_action(ScheduledActionName="b", **scope())
    assert len(actions(scaling)) == 2
    gone = refused(scaling.client.delete_scheduled_action, ScheduledActionName="b", **scope())
    assert gone[0] == "ObjectNotFoundException"


@pytest.mark.parametrize("begins", [1e308, 1e18, 253_402_300_799, 7_258_118_400])
def test_what_begins_behind_all_calendars_is_never_due(begins: float) -> None:
    for schedule in ("cron(0 0 * * ? *)", "rate(1 minute)", "at(2199-12-31T00:00:00)"):
        action = ActionRecord("a", schedule, 0.0, "Pacific/Kiritimati", begins)
        assert schedules.next_of(action, 1_700_000_000.0) is None
