"""What is kept of CloudWatch's alarms, and of what became of them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statordb.metering.alarm import IGNORE, INSUFFICIENT_DATA, MISSING, Rule
from statordb.store.record import Kind, Record

ALWAYS_IGNORING = "AWS/DynamoDB"  # the namespace whose alarms ignore what is missing, whatever they say (user guide)
UNCHECKED = "Unchecked: Initial alarm creation"
CONFIGURATION, STATE, ACTION = "ConfigurationUpdate", "StateUpdate", "Action"
"""Kinds of entries of the history."""


class AlarmName(NamedTuple):
    """Which alarm is meant."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"


@dataclass(frozen=True, slots=True)
class AlarmRecord(Record):
    """An alarm. Times in seconds since the epoch, `period` in seconds.

    What it watches: of `metric` of `namespace` with `dimensions` either `statistic` (Sum and the like) or `extended`
    (p99 and the like), the other one is ""; or `queries`, as PutMetricAlarm has them in Metrics, of which one returns
    data.
    `enough` None: as many as `periods`. `ok_actions`, `alarm_actions`, `unknown_actions`: ARNs.
    `owner`: who judges it in the place of the keeper's alarms; "" for nobody else.
    `told_at`: when a state was last put; `turned_at`: when it became another one; `changed_at`: when what it watches
    did.
    """

    account: str
    region: str
    name: str
    comparison: str
    threshold: float
    periods: int
    period: int
    changed_at: float
    namespace: str = ""
    metric: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    statistic: str = ""
    extended: str = ""
    queries: list[dict[str, Any]] = field(default_factory=list)
    enough: int | None = None
    missing: str | None = None
    unit: str | None = None
    few_samples: str | None = None
    description: str | None = None
    acts: bool = True
    ok_actions: list[str] = field(default_factory=list)
    alarm_actions: list[str] = field(default_factory=list)
    unknown_actions: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    state: str = INSUFFICIENT_DATA
    reason: str = UNCHECKED
    reason_data: str = ""
    told_at: float = 0.0
    turned_at: float = 0.0
    owner: str = ""

    @property
    def named(self) -> AlarmName:
        return AlarmName(self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        return self.named.arn

    @property
    def rule(self) -> Rule:
        """When it is an alarm."""
        missing = IGNORE if self.namespace == ALWAYS_IGNORING else self.missing or MISSING
        return Rule(self.comparison, self.threshold, self.periods, self.enough or self.periods, missing)

    def actions_of(self, state: str) -> list[str]:
        """What is to be done when it comes to be in a state."""
        if not self.acts:
            return []
        return {"OK": self.ok_actions, "ALARM": self.alarm_actions}.get(state, self.unknown_actions)


@dataclass(frozen=True, slots=True)
class HistoryRecord(Record):
    """An entry of the history. `data`: a JSON document, as the API tells it."""

    name: str
    at: float
    kind: str
    summary: str
    data: str


ALARM_KIND = Kind(AlarmRecord)
HISTORY_KIND = Kind(HistoryRecord)
