"""Capacity follows its load, its bounds and its schedules: by what the ledger has, whatever process counted it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scaling_api.scaling_kit import READS, Scaling, scope

from statordb.metering.alarm import Point
from statordb.metering.series import READ_UNITS, TABLE, WRITE_UNITS, Series, Statistic, Subject
from statordb.metering.tracking import find, rules
from statordb.store.ledger.ledger import Counted

MINUTE = 60.0
INTO = 20.0  # a minute: that the one before is written down by then


class Day(Scaling):
    """A table under load, minute by minute."""

    def __init__(self, directory: Path, table_delay_seconds: float = 0.0) -> None:
        super().__init__(directory, table_delay_seconds)
        self.clock.advance(MINUTE - self.clock.now() % MINUTE + INTO)

    def pass_minutes(self, count: int, load: float = 0.0, series: Series | None = None) -> list[tuple[int, int]]:
        """Let minutes go by with so many units a second; what the table has after each."""
        told = series or Series(WRITE_UNITS)
        seen = []
        for _ in range(count):
            minute = int(self.clock.now() // MINUTE * MINUTE)
            if load:
                half = load * MINUTE / 2  # as two processes count it
                for process in ("a", "b"):
                    figures = {told: Statistic(1, half, half, half)}
                    self.api.run(self.api.store.ledger.put([Counted(self.subject(), minute, process, figures)]))
            self.clock.advance(MINUTE)
            self.api.keep(2)
            seen.append(self.units())
        return seen

    def subject(self) -> Subject:
        record = self.api.run(self.api.store.catalog.stored("000000000000", "us-east-1", "orders"))
        return Subject("000000000000", "us-east-1", TABLE, "orders", record.id)


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    made = Day(tmp_path)
    yield made
    made.close()


def test_capacity_follows_a_load_that_steps_up_and_down_again(day: Day) -> None:
    """Out after 2 minutes, in after 15, to where the load is the target's share, and the activities tell of it."""
    day.table(writes=4)
    day.register(2, 100)
    day.track(50)
    assert day.pass_minutes(16, 2.0) == [(5, 4)] * 16
    assert day.pass_minutes(3, 40.0) == [(5, 4), (5, 80), (5, 80)]
    assert day.pass_minutes(15, 2.0) == [(5, 80)] * 14 + [(5, 4)]
    down, up = day.activities()
    assert (up["Description"], up["StatusCode"]) == ("Setting write capacity units to 80.", "Successful")
    assert up["Cause"].startswith("monitor alarm TargetTracking-table/orders-AlarmHigh-")
    assert up["Cause"].endswith(" in state ALARM triggered policy p")
    assert (down["Description"], down["StatusCode"]) == ("Setting write capacity units to 4.", "Successful")
    assert down["Cause"].startswith("monitor alarm TargetTracking-table/orders-AlarmLow-")
    figures = day.api("DescribeTable", TableName="orders")["Table"]["ProvisionedThroughput"]
    assert figures["NumberOfDecreasesToday"] == 1


def test_capacity_stays_within_its_bounds_and_it_is_told_once_why(day: Day) -> None:
    day.table(writes=4)
    day.register(3, 10)
    day.track(50)
    day.pass_minutes(5, 40.0)
    assert day.units() == (5, 10)
    day.pass_minutes(20)
    assert day.units() == (5, 3)
    assert len(day.activities()) == 2
    told = [each for each in day.activities(IncludeNotScaledActivities=True) if "NotScaledReasons" in each]
    assert [each["NotScaledReasons"] for each in told] == [
        [{"Code": "AlreadyAtMinCapacity", "MinCapacity": 3}],
        [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 10}],
    ]
    assert {each["StatusCode"] for each in told} == {"Failed"}
    assert {each["Description"] for each in told} == {"Attempting to scale due to alarm triggered"}


def test_an_idle_table_comes_down_and_what_is_set_by_hand_follows(day: Day) -> None:
    """Measured on AWS (aws-controllers-k8s, API quirks, TABLE-315 and -316)."""
    day.table(writes=9)
    day.register(2, 100)
    day.track(50)
    assert day.pass_minutes(15)[-2:] == [(5, 9), (5, 2)]
    day.api("UpdateTable", TableName="orders", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    assert day.pass_minutes(1) == [(5, 2)], "its alarm is on all the time"
    day.api("UpdateTable", TableName="orders", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 1})
    assert day.pass_minutes(2) == [(5, 1)] * 2, "an alarm for less never makes it more"


def test_reads_and_indexes_have_figures_of_their_own(day: Day) -> None:
    units = {"ReadCapacityUnits": 4, "WriteCapacityUnits": 4}
    index = {
        "IndexName": "by_p",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": units,
    }
    day.table(writes=4, reads=4, GlobalSecondaryIndexes=[index])
    by_p = scope("table/orders/index/by_p", "dynamodb:index:ReadCapacityUnits")
    for where in (scope(), scope(dimension=READS), by_p):
        day.client.register_scalable_target(**where, MinCapacity=4, MaxCapacity=100)
    day.track()
    day.track(**scope(dimension=READS))
    metric = {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"}
    told = {"TargetValue": 50, "PredefinedMetricSpecification": metric}
    day.client.put_scaling_policy(PolicyName="p", **by_p, TargetTrackingScalingPolicyConfiguration=told)
    assert day.pass_minutes(3, 20.0, Series(READ_UNITS, "by_p", "", "eventual"))[-1] == (4, 4)
    figures = day.api("DescribeTable", TableName="orders")["Table"]["GlobalSecondaryIndexes"][0]
    assert figures["ProvisionedThroughput"]["ReadCapacityUnits"] == 40
    assert day.pass_minutes(3, 10.0, Series(READ_UNITS, "local", "", "strong", True))[-1] == (20, 4)
    assert day.pass_minutes(3, 10.0, Series(WRITE_UNITS, "", "", "expiry"))[-1] == (20, 4), "what expires is free"


def test_cooldowns_and_what_is_suspended_hold_it_up(day: Day) -> None:
    day.table(writes=4)
    day.register(2, 1000)
    day.track(50, ScaleOutCooldown=240, ScaleInCooldown=0)
    assert day.pass_minutes(2, 10.0)[-1] == (5, 20)
    assert day.pass_minutes(4, 40.0) == [(5, 20)] * 3 + [(5, 80)]
    day.register(2, 1000, SuspendedState={"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True})
    assert day.pass_minutes(3, 400.0)[-1] == (5, 80)
    assert day.pass_minutes(16)[-1] == (5, 80)
    day.register(2, 1000, SuspendedState={"DynamicScalingInSuspended": False})
    assert day.pass_minutes(1) == [(5, 2)]


def test_a_policy_may_only_scale_out(day: Day) -> None:
    day.table(writes=40)
    day.register(2, 100)
    day.track(50, DisableScaleIn=True)
    assert day.pass_minutes(17)[-1] == (5, 40)
    assert day.pass_minutes(2, 30.0)[-1] == (5, 60)


def test_a_table_that_is_being_changed_is_scaled_when_that_is_over(tmp_path: Path) -> None:
    day = Day(tmp_path, table_delay_seconds=90.0)
    day.table(writes=4)
    day.clock.advance(120.0)
    day.register(2, 100)
    day.track(50)
    day.api("UpdateTable", TableName="orders", ProvisionedThroughput={"ReadCapacityUnits": 6, "WriteCapacityUnits": 4})
    assert day.pass_minutes(3, 10.0)[-1] == (6, 20)
    (activity,) = day.activities()
    assert activity["StatusCode"] == "InProgress"
    day.close()


def test_what_is_on_demand_or_gone_is_left_alone(day: Day) -> None:
    day.table(writes=4)
    day.register(2, 100)
    day.track(50)
    day.api("UpdateTable", TableName="orders", BillingMode="PAY_PER_REQUEST")
    day.pass_minutes(3, 40.0)
    assert day.units() == (0, 0)
    day.api("DeleteTable", TableName="orders")
    day.clock.advance(MINUTE)
    day.api.keep()
    day.table(writes=4)
    assert day.pass_minutes(3, 5.0)[-1] == (5, 10), "the next one of its name is scaled"
    assert len(day.activities()) == 1


def test_more_decreases_than_a_day_has_fail_and_that_is_told_once(day: Day) -> None:
    store = day.api.store
    store.quotas = store.quotas._replace(changes=True)
    day.table(writes=50)
    day.register(2, 100)
    day.track(50)
    for units in (40, 30, 20, 10):
        provisioned = {"ReadCapacityUnits": 5, "WriteCapacityUnits": units}
        day.api("UpdateTable", TableName="orders", ProvisionedThroughput=provisioned)
    assert day.pass_minutes(18)[-1] == (5, 10)
    (activity,) = day.activities()
    assert activity["StatusCode"] == "Failed"
    assert activity["StatusMessage"].startswith("Failed to set write capacity units to 2. Reason: ")
    assert "decrease" in activity["StatusMessage"]
    day.clock.advance(50 * MINUTE)
    assert day.pass_minutes(1) == [(5, 2)], "after an hour there may be one more"


def test_alarms_have_the_thresholds_and_states_of_now(day: Day) -> None:
    day.table(writes=4)
    day.register(2, 100)
    made = day.track(70)
    found = day.api.store.alarms

    def told(kind: str) -> tuple[str, float, str]:
        (name,) = [each["AlarmName"] for each in made["Alarms"] if f"-{kind}-" in each["AlarmName"]]
        (alarms, _) = day.api.run(found.page("000000000000", "us-east-1", name, None, 10))
        return alarms[0].metric, alarms[0].threshold, alarms[0].state

    assert told("AlarmHigh") == ("ConsumedWriteCapacityUnits", 168.0, "INSUFFICIENT_DATA")
    assert told("AlarmLow") == ("ConsumedWriteCapacityUnits", 120.0, "INSUFFICIENT_DATA")
    assert told("ProvisionedCapacityHigh") == ("ProvisionedWriteCapacityUnits", 4.0, "INSUFFICIENT_DATA")
    day.pass_minutes(2, 7.0)
    assert day.units() == (5, 10)
    assert told("AlarmHigh")[2] == "ALARM"
    day.pass_minutes(1, 7.0)
    assert told("AlarmHigh") == ("ConsumedWriteCapacityUnits", 420.0, "OK")
    assert told("ProvisionedCapacityLow") == ("ProvisionedWriteCapacityUnits", 10.0, "OK")
    day.client.delete_scaling_policy(PolicyName="p", **scope())
    assert day.api.run(found.page("000000000000", "us-east-1", "", None, 10)) == ([], False)


def test_it_goes_on_after_a_restart(day: Day) -> None:
    day.table(writes=4)
    day.register(2, 100)
    day.track(50)
    day.pass_minutes(1, 40.0)
    day.restart()
    assert day.pass_minutes(1, 40.0) == [(5, 80)]


def test_scheduled_actions_set_bounds_at_their_times(day: Day) -> None:
    day.table(writes=5)
    day.register(1, 10)
    given = {"Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 8, "MaxCapacity": 20}}
    day.client.put_scheduled_action(ScheduledActionName="morning", **scope(), **given)
    day.pass_minutes(59)
    assert day.units() == (5, 5)
    day.pass_minutes(2)
    assert day.units() == (5, 8)
    capacity, bounds = day.activities()
    assert capacity["Cause"] == "minimum capacity was set to 8"
    assert bounds["Description"] == "Setting min capacity to 8 and max capacity to 20"
    assert bounds["Cause"] == "scheduled action name morning was triggered"
    assert bounds["StatusMessage"] == "Successfully set min capacity to 8 and max capacity to 20"
    (target,) = day.client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (8, 20)
    day.register(1, 10, SuspendedState={"ScheduledScalingSuspended": True})
    day.pass_minutes(61)
    assert day.units() == (5, 8), "one that comes in a time that is suspended is left out"


def test_a_scheduled_action_that_fits_no_bounds_fails(day: Day) -> None:
    day.table(writes=5)
    day.register(1, 10)
    given = {"Schedule": "rate(1 minute)", "ScalableTargetAction": {"MinCapacity": 11}}
    day.client.put_scheduled_action(ScheduledActionName="a", **scope(), **given)
    day.pass_minutes(1)
    (activity, *_) = day.activities()
    assert activity["StatusCode"] == "Failed"
    assert day.units() == (5, 5)


def test_old_activities_are_forgotten(day: Day) -> None:
    day.table(writes=5)
    day.register(8, 10)
    assert len(day.activities()) == 1
    day.clock.advance(43 * 86_400.0)
    for _ in range(101):
        day.api.keep(1)
    assert day.activities() == []


@pytest.mark.parametrize(
    ("percent", "high", "low"), [(70.0, 420.0, 300.0), (90.0, 540.0, 420.0), (50.0, 300.0, 180.0), (20.0, 120.0, 60.0)]
)
def test_thresholds_are_of_a_minute(percent: float, high: float, low: float) -> None:
    by = rules(percent, 10)
    assert (by.high.threshold, by.low.threshold) == (high, low)


@pytest.mark.parametrize(
    ("values", "way", "wanted"),
    [
        ([301.0], None, 0),
        ([301.0, 300.0], None, 0),
        ([301.0, 601.0], "out", 21),
        ([0.0] * 14, None, 0),
        ([0.0] * 15, "in", 1),
        ([179.0] + [0.0] * 14, "in", 6),
        ([180.0] + [0.0] * 14, None, 0),
    ],
)
def test_what_minutes_ask_for(values: list[float], way: str | None, wanted: int) -> None:
    found = find(50.0, 10, [Point(60.0 * at, value) for at, value in enumerate(values)])
    assert (found.way, found.wanted) == (way, wanted)
