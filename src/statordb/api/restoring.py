"""The table that a restore makes: what it has of its source's settings, and what of the request's.

Rules and texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026, TABLE-215 to -280).
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from statordb.api import encryption, schemas
from statordb.api.backups import units_of
from statordb.api.context import Context, Request
from statordb.commands import throughput
from statordb.commands.demands import TableDemand
from statordb.commands.warm_throughput import PAY_PER_REQUEST
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import RESTORES_MAX
from statordb.store.admission import units_of as units_of_table
from statordb.store.catalog import creation
from statordb.store.kms.records import KeyRecord
from statordb.store.records import NEVER, IndexRecord, RestoreRecord, TableRecord
from statordb.store.spaces import Draft
from statordb.store.terms import Refused

Name = tuple[str, str, str]

_ACTIONS_OF_TARGET = (
    "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query",
    "dynamodb:Scan", "dynamodb:BatchWriteItem",
)  # fmt: skip


async def admit_target(context: Context, request: Request, action: str) -> None:
    """Whoever asks for a restore has to be let read and write the new table as well (developer guide, "Using IAM with
    DynamoDB backup and restore", with the list of actions). Raises AccessDeniedException."""
    for each in (action, *_ACTIONS_OF_TARGET):
        await context.admit(TableDemand(each, request["TargetTableName"]))


def check_region(context: Context, request: Request, region: str) -> None:
    """Of the source: raises ValidationException where it is another one, and nothing is said of the key here."""
    _, here = context.gate.place(context.principal, context.principal.account, context.principal.region)
    if region != here and request.get("SSESpecificationOverride") is None:
        raise errors.invalid_request("sseSpecificationOverride must be provided for cross-region restores")


def check(request: Request, source: TableRecord) -> None:
    """Overrides that contradict each other, or the source. Raises ValidationException."""
    mode = request.get("BillingModeOverride") or source.billing_mode
    units, maxima = request.get("ProvisionedThroughputOverride"), request.get("OnDemandThroughputOverride")
    if units is not None and mode == PAY_PER_REQUEST:
        raise errors.invalid_request("Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED")
    if units is None and mode != PAY_PER_REQUEST and source.billing_mode == PAY_PER_REQUEST:
        raise errors.invalid_request("Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
    if maxima and mode != PAY_PER_REQUEST:
        raise errors.invalid_request("Cannot override OnDemandThroughput unless BillingMode is PAY_PER_REQUEST")
    _check_figures(units, maxima)
    for index in request.get("GlobalSecondaryIndexOverride") or ():
        _check_figures(index.get("ProvisionedThroughput"), index.get("OnDemandThroughput"))
    if request.get("VectorIndexOverride"):
        raise errors.unsupported("VectorIndexOverride")
    encryption.check(request.get("SSESpecificationOverride"))
    seen: set[str] = set()
    for index in _kept(request, source):
        schemas.check_unique(index.name, seen)


def _check_figures(units: dict[str, int] | None, maxima: dict[str, int] | None) -> None:
    """Of the table, or of an index."""
    for member, figure in (maxima or {}).items():
        if figure < 1:
            raise errors.invalid_request(f"Requested {member} for OnDemandThroughput is outside of valid range")
    if units is not None:
        throughput.check_units(units)


async def restore(
    context: Context, request: Request, name: Name, source: TableRecord, origin: RestoreRecord
) -> TableRecord:
    """Make the table, as one that is being filled. Raises TableAlreadyExistsException, TableInUseException,
    LimitExceededException, and what its key is refused with."""
    account, region, _ = name
    store = context.store
    existing = await store.catalog.reload(*name)
    if existing is not None:
        raise _taken(existing.record)
    under_way = [each for each in await store.catalog.all() if each.restore is not None]
    if len([each for each in under_way if (each.account, each.region) == (account, region)]) >= RESTORES_MAX:
        raise errors.too_many_restores(RESTORES_MAX)
    key = await _key(context, request, name, source)
    draft = store.draft()
    record = await _record(context, request, name, source, draft)
    record = replace(encryption.begun(record, key), restore=origin)
    try:
        async with store.admission.new_table(*name, units_of_table(record)):
            return await _created(context, record, draft)
    except ClientError:
        await draft.give_back()
        raise


async def _created(context: Context, record: TableRecord, draft: Draft) -> TableRecord:
    create = creation(record, context.now())
    created = await context.store.catalog.change(record.account, record.region, record.name, create, draft)
    if isinstance(created, Refused):
        raise _taken(created.reason)
    assert created is not None
    return created


def _taken(existing: TableRecord) -> ClientError:
    if existing.restore is not None:
        return errors.being_restored(existing.name, existing.restore.backup or existing.restore.source)
    return errors.table_already_exists(existing.name)


async def _record(context: Context, request: Request, name: Name, source: TableRecord, draft: Draft) -> TableRecord:
    now = context.now()
    mode = request.get("BillingModeOverride") or source.billing_mode
    maxima = request.get("OnDemandThroughputOverride") or source.options.get("OnDemandThroughput")
    units = {} if mode == PAY_PER_REQUEST else request.get("ProvisionedThroughputOverride")
    space = await draft.rows()
    indexes = [
        await _index(index, await (draft.within(space) if index.local else draft.derived()), mode, request)
        for index in _kept(request, source)
    ]
    return TableRecord(
        account=name[0],
        region=name[1],
        name=name[2],
        id=str(uuid.uuid4()),
        space=space,
        created_at=round(now, 3),
        definitions=_definitions(source, indexes),
        key_schema=source.key_schema,
        status="CREATING",
        settles_at=NEVER,
        indexes=indexes,
        billing_mode=mode,
        on_demand_since=round(now, 3) if mode == PAY_PER_REQUEST else None,
        throughput=units_of(source.throughput) if units is None else units,
        options={"OnDemandThroughput": maxima} if maxima and mode == PAY_PER_REQUEST else {},
    )


async def _index(index: IndexRecord, space: int, mode: str, request: Request) -> IndexRecord:
    """An index of the table that is made."""
    units = units_of(index.throughput)
    if index.local:
        return replace(index, space=space, status="ACTIVE", backfilling=False)
    if mode != PAY_PER_REQUEST and not units["ReadCapacityUnits"]:
        units = request.get("ProvisionedThroughputOverride") or units
    maxima = index.options.get("OnDemandThroughput")
    return replace(
        index,
        space=space,
        status="ACTIVE",
        backfilling=False,
        throughput=None if mode == PAY_PER_REQUEST else units,
        options={"OnDemandThroughput": maxima} if maxima and mode == PAY_PER_REQUEST else {},
    )


def _kept(request: Request, source: TableRecord) -> Sequence[IndexRecord]:
    """The indexes that the table is to have, the local ones first. Raises as `_matched`."""
    return [*_matched(request, source, True), *_matched(request, source, False)]


def _matched(request: Request, source: TableRecord, local: bool) -> Sequence[IndexRecord]:
    """The indexes of the source, or those that the request wants of them, each once, under its names and with its
    capacity. Raises ValidationException for one that the source has not."""
    there = [index for index in source.indexes if index.local is local and index.status != "DELETING"]
    wanted = request.get("LocalSecondaryIndexOverride" if local else "GlobalSecondaryIndexOverride")
    if wanted is None:
        return there
    found: list[IndexRecord] = []
    for each in wanted:
        form = _form(each["KeySchema"], each["Projection"])
        at = next((at for at, index in enumerate(there) if _form_of(index) == form), None)
        if at is None:
            raise errors.invalid_request(
                f"Index {each['IndexName']} does not match a secondary index that existed in the source table and "
                "cannot be created during the restore operation"
            )
        match = there.pop(at)
        kept = match.options if each.get("OnDemandThroughput") is None else {**schemas.index_options(each)}
        units = each.get("ProvisionedThroughput") or match.throughput
        found.append(replace(match, name=each["IndexName"], throughput=units, options=kept))
    return found


def _form_of(index: IndexRecord) -> object:
    return _form(index.key_schema, index.projection)


def _form(key_schema: list[dict[str, str]], projection: dict[str, Any]) -> object:
    keys = [(element["AttributeName"], element["KeyType"]) for element in key_schema]
    return keys, projection.get("ProjectionType"), sorted(projection.get("NonKeyAttributes") or ())


def _definitions(source: TableRecord, indexes: Sequence[IndexRecord]) -> list[dict[str, str]]:
    """Of the attributes that keys have."""
    used = {
        name
        for schema in (source.key_schema, *(index.key_schema for index in indexes))
        for name in schemas.names(schema)
    }
    return [definition for definition in source.definitions if definition["AttributeName"] in used]


async def _key(context: Context, request: Request, name: Name, source: TableRecord) -> KeyRecord | None:
    """The key that the table is to have: the source's, unless the request says otherwise. The source's has to be usable
    in any case: who disables it has its table's items read by nobody, wherever they lie."""
    kept = None
    if source.key_arn is not None:
        own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": source.key_arn}
        kept = await encryption.key_of(context, source.account, source.region, own)
    wanted = request.get("SSESpecificationOverride")
    return kept if wanted is None else await encryption.key_of(context, *name[:2], wanted or None)
