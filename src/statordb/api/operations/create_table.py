"""CreateTable."""

from dataclasses import replace

from statordb.api import creating, encryption, resource_policies, schemas, streaming
from statordb.api.context import Answer, Context, Request
from statordb.api.description import coming
from statordb.api.tags import parse_tags
from statordb.commands import throughput
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store.catalog import creation
from statordb.store.records import IndexRecord, PolicyRecord, TableRecord
from statordb.store.spaces import Draft
from statordb.store.terms import Refused

# A table that is to be the replica of another one must not only seem so.
_UNSUPPORTED = ("GlobalTableSourceArn",)


async def create_table(context: Context, request: Request) -> Answer:
    _check(request)
    tags = parse_tags(request.get("Tags") or ())

    account, region, name = await context.scope(TableDemand("dynamodb:CreateTable", request["TableName"], tags))
    if tags:
        await context.admit(TableDemand("dynamodb:TagResource", request["TableName"], tags))
    policies = await _policies(context, request)
    store = context.store
    existing = await store.catalog.reload(account, region, name)
    if existing is not None:
        raise _taken(existing.record, context.now())
    async with store.admission.new_table(account, region, name, throughput.asked_units(request)):
        created = await _create(context, request, (account, region, name), tags, policies)
    return {"TableDescription": coming(created)}


async def _create(
    context: Context, request: Request, scope: tuple[str, str, str], tags: dict[str, str], policies: list[PolicyRecord]
) -> TableRecord:
    store = context.store
    key = await encryption.key_of(context, *scope[:2], request.get("SSESpecification"))
    now = context.now()
    delay = store.table_delay_seconds
    draft = store.draft()
    space = await draft.rows()
    record = replace(
        creating.record_of(request, scope, now, space, await _indexes(request, draft, space)),
        status="CREATING" if delay else "ACTIVE",
        settles_at=now + delay,
        tags=tags,
        policies=policies,
    )
    return await _created(context, request, encryption.begun(record, key), draft, now)


async def _policies(context: Context, request: Request) -> list[PolicyRecord]:
    """What is kept of the policy that the table is to have. Raises AccessDeniedException, ValidationException."""
    text = request.get("ResourcePolicy")
    if text is None:
        return []
    await context.admit(TableDemand("dynamodb:PutResourcePolicy", request["TableName"]))
    return [PolicyRecord("", resource_policies.normal(text), str(int(context.now() * 1000)))]


async def _created(context: Context, request: Request, record: TableRecord, draft: Draft, now: float) -> TableRecord:
    """The table's record as it is stored; raises ResourceInUseException where there is a table of that name by now."""
    create = creation(record, now)
    scope = (record.account, record.region, record.name)
    created: TableRecord | Refused | None
    specification = request.get("StreamSpecification") or {}
    if streaming.wants(specification):
        view = specification["StreamViewType"]
        created = await streaming.enable(context, scope, None, create, view, draft)
    else:
        created = await context.store.catalog.change(*scope, create, draft)
    if isinstance(created, Refused):
        raise _taken(created.reason, now)
    assert created is not None
    return created


def _taken(existing: TableRecord, now: float) -> ClientError:
    """There is a table of that name."""
    if existing.restore is not None:
        return errors.resource_in_use(f"Table is being used: {existing.name}")
    if existing.status_at(now) == "CREATING":
        return errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table is being created: {existing.name}"
        )
    return errors.table_exists(existing.name)


def _check(request: Request) -> None:
    for member in _UNSUPPORTED:
        if request.get(member) is not None:
            raise errors.unsupported(member)
    creating.check(request)
    streaming.check(request.get("StreamSpecification"), streaming.CREATED)
    encryption.check(request.get("SSESpecification"))


async def _indexes(request: Request, draft: Draft, space: int) -> list[IndexRecord]:
    """Records of the indexes of a table that lies in a space."""
    local, global_ = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    return [
        *[schemas.index_record(index, await draft.within(space), True) for index in local or ()],
        *[schemas.index_record(index, await draft.derived(), False) for index in global_ or ()],
    ]
