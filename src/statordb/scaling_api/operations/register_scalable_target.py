"""RegisterScalableTarget: a new target, or other members of one. Its capacity is brought within the bounds at once."""

from dataclasses import replace
from typing import Any

from statordb.commands.scaling import record_of, settle
from statordb.model.scaling_limits import TARGETS_PER_REGION_MAX
from statordb.scaling_api import bounds, errors, tags
from statordb.scaling_api.changes import change
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetName, TargetRecord

_ROLE = (
    "arn:aws:iam::{account}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
)
_BOUNDS = {"MinCapacity": "minimum", "MaxCapacity": "maximum"}


async def register_scalable_target(context: Context, request: Request) -> Answer:
    name = context.name()
    known = await context.target("RegisterScalableTarget", name)
    given_tags = request.get("Tags") or {}
    if given_tags:
        await context.admit("TagResource", "*" if known is None else known.arn, context.facts(known))
    own = _ROLE.format(account=name.account)
    if request.get("RoleARN") not in (None, own):
        await context.admit_role(request["RoleARN"])
    tags.check(given_tags)
    if known is None:
        await _check_new(context, name, request)
    new = context.store.scaling.targets.new()

    def register(current: TargetRecord | None) -> TargetRecord:
        if current is None:
            both = request["MinCapacity"], request["MaxCapacity"]
            current = TargetRecord(*name, new.id, new.uuid, new.at, *both, own)
        return _merged(current, request)

    target = await change(context, name, register, new.id)
    assert target is not None
    await settle(context.store, name)
    return {"ScalableTargetARN": target.arn}


async def _check_new(context: Context, name: TargetName, request: Request) -> None:
    for member, called in _BOUNDS.items():
        if request.get(member) is None:
            raise errors.validation(f"A {called} capacity is required when registering a new scalable target")
    record = await record_of(context.store, name)
    if record is None or (name.index_name is not None and record.index(name.index_name) is None):
        raise errors.no_table(name.resource)
    if await context.store.scaling.targets.is_full(name.account, name.region):
        raise errors.limit_exceeded(f"There may be at most {TARGETS_PER_REGION_MAX} scalable targets")


def _merged(current: TargetRecord, request: dict[str, Any]) -> TargetRecord:
    """A target with the members that are given. Raises ValidationException, TooManyTagsException."""
    low, high = request.get("MinCapacity"), request.get("MaxCapacity")
    low, high = current.minimum if low is None else low, current.maximum if high is None else high
    bounds.check(low, high)
    merged = {**current.tags, **(request.get("Tags") or {})}
    tags.check_count(merged)
    return replace(
        current,
        minimum=low,
        maximum=high,
        role_arn=request.get("RoleARN") or current.role_arn,
        suspended={**current.suspended, **(request.get("SuspendedState") or {})},
        tags=merged,
        out_of_bounds=True,
    )
