"""What is kept of scaling by itself: which capacities are scaled, by which policies and at which times, and what came
of it."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from statordb.store.record import Kind, Record

SERVICE = "dynamodb"
READS, WRITES = "ReadCapacityUnits", "WriteCapacityUnits"
TABLE, INDEX = "table", "index"
DIMENSIONS = {f"{SERVICE}:{kind}:{units}": (kind, units) for kind in (TABLE, INDEX) for units in (READS, WRITES)}
IN, OUT, SCHEDULED = "DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"
SUSPENSIONS = (IN, OUT, SCHEDULED)
HIGH, LOW = "AlarmHigh", "AlarmLow"
PROVISIONED_HIGH, PROVISIONED_LOW = "ProvisionedCapacityHigh", "ProvisionedCapacityLow"
ALARMS = (HIGH, LOW, PROVISIONED_HIGH, PROVISIONED_LOW)
IN_PROGRESS, SUCCESSFUL, FAILED = "InProgress", "Successful", "Failed"


class TargetName(NamedTuple):
    """Which capacity is meant. `resource`: table/T, or table/T/index/I; `dimension`: one of DIMENSIONS."""

    account: str
    region: str
    resource: str
    dimension: str

    @property
    def table(self) -> str:
        return self.resource.split("/")[1]

    @property
    def index_name(self) -> str | None:
        parts = self.resource.split("/")
        return parts[3] if len(parts) == 4 else None

    @property
    def units(self) -> str:
        """READS or WRITES."""
        return DIMENSIONS[self.dimension][1]

    @property
    def noun(self) -> str:
        """What activities call it."""
        return "read capacity units" if self.units == READS else "write capacity units"


@dataclass(frozen=True, slots=True)
class PolicyRecord(Record):
    """A target tracking policy. `metric`: the predefined one; `target`: percent of what is provisioned; `out_cooldown`,
    `in_cooldown` in seconds, None as not given; `alarms`: ids of its alarms by ALARMS. Since when it waits:
    `scaled_out_at`, `scaled_in_at`. `held`: what was told last of why an alarm changes nothing, so that it is told
    once. `alarmed`: what the alarms were last given as thresholds, and `states`: as states, by ALARMS. Times in seconds
    since the epoch."""

    name: str
    metric: str
    target: float
    created_at: float
    alarms: dict[str, str]
    out_cooldown: int | None = None
    in_cooldown: int | None = None
    only_out: bool | None = None
    scaled_out_at: float = 0.0
    scaled_in_at: float = 0.0
    held: str = ""
    alarmed: str = ""
    states: dict[str, str] = field(default_factory=dict)

    def alarm_name(self, resource: str, kind: str) -> str:
        return f"TargetTracking-{resource}-{kind}-{self.alarms[kind]}"


@dataclass(frozen=True, slots=True)
class ActionRecord(Record):
    """A scheduled action: what the bounds become at times. `schedule`: at(...), rate(...) or cron(...), by the clock of
    `timezone`, within `starts_at` and `ends_at`. `next_at`: when it is due next; None: never again."""

    name: str
    schedule: str
    created_at: float
    timezone: str | None = None
    starts_at: float | None = None
    ends_at: float | None = None
    minimum: int | None = None
    maximum: int | None = None
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class TargetRecord(Record):
    """A capacity that is scaled. `id`: in its ARN; `uuid`: in those of its policies and actions. `out_of_bounds`: the
    bounds were changed, and the capacity has not been looked at since."""

    account: str
    region: str
    resource: str
    dimension: str
    id: str
    uuid: str
    created_at: float
    minimum: int
    maximum: int
    role_arn: str
    suspended: dict[str, bool] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    policies: list[PolicyRecord] = field(default_factory=list)
    actions: list[ActionRecord] = field(default_factory=list)
    out_of_bounds: bool = False

    @property
    def name(self) -> TargetName:
        return TargetName(self.account, self.region, self.resource, self.dimension)

    @property
    def arn(self) -> str:
        return target_arn(self.account, self.region, self.id)

    def is_suspended(self, what: str) -> bool:
        return self.suspended.get(what, False)

    def within(self, units: int) -> int:
        """The figure that is nearest within the bounds."""
        return max(self.minimum, min(self.maximum, units))

    def policy(self, name: str) -> PolicyRecord | None:
        return next((each for each in self.policies if each.name == name), None)

    def action(self, name: str) -> ActionRecord | None:
        return next((each for each in self.actions if each.name == name), None)

    def with_policy(self, policy: PolicyRecord) -> "TargetRecord":
        """With a policy in the place of that of its name, if that is there."""
        policies = [policy if each.name == policy.name else each for each in self.policies]
        return replace(self, policies=policies)

    def without_policy(self, name: str) -> "TargetRecord":
        return replace(self, policies=[each for each in self.policies if each.name != name])

    def policy_arn(self, name: str) -> str:
        return self._further_arn("scalingPolicy", f"policyName/{name}")

    def action_arn(self, name: str) -> str:
        return self._further_arn("scheduledAction", f"scheduledActionName/{name}")

    def _further_arn(self, kind: str, end: str) -> str:
        own = f"arn:aws:autoscaling:{self.region}:{self.account}:{kind}:{self.uuid}"
        return f"{own}:resource/{SERVICE}/{self.resource}:{end}"


@dataclass(frozen=True, slots=True)
class ActivityRecord(Record):
    """What scaling did, or could not do. `ends_at`: when the table has its new capacity; `status`: of then. `done`:
    the message until then, or of a failure as it is; behind it follows whether the change has been carried out.
    `held`: why nothing was changed, as NotScaledReasons."""

    id: str
    resource: str
    dimension: str
    description: str
    cause: str
    started_at: float
    ends_at: float
    status: str
    done: str
    waits: bool = False
    held: dict[str, Any] | None = None

    def status_at(self, now: float) -> str:
        return IN_PROGRESS if now < self.ends_at else self.status

    def message_at(self, now: float) -> str:
        if not self.waits:
            return self.done
        if now < self.ends_at:
            return f"{self.done} Waiting for change to be fulfilled by {SERVICE}."
        return f"{self.done} Change successfully fulfilled by {SERVICE}."


def target_arn(account: str, region: str, id: str) -> str:
    return f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/{id}"


TARGET = Kind(TargetRecord)
ACTIVITY = Kind(ActivityRecord)
