"""The table that a request describes, as CreateTable and ImportTable make it."""

import uuid
from collections.abc import Sequence

from statordb.api import schemas
from statordb.api.context import Request
from statordb.commands import throughput
from statordb.store.records import IndexRecord, TableRecord


def check(request: Request) -> None:
    """Members that contradict each other. Raises ValidationException."""
    billing_mode = mode_of(request)
    throughput.check_capacity(billing_mode, request.get("ProvisionedThroughput"))
    _check_schema(request, billing_mode)
    schemas.check_figures(request, billing_mode)


def mode_of(request: Request) -> str:
    return request.get("BillingMode") or "PROVISIONED"


def record_of(
    request: Request, name: tuple[str, str, str], now: float, space: int, indexes: Sequence[IndexRecord]
) -> TableRecord:
    """The table, ACTIVE at once, in a space."""
    billing_mode = mode_of(request)
    return TableRecord(
        account=name[0],
        region=name[1],
        name=name[2],
        id=str(uuid.uuid4()),
        space=space,
        created_at=round(now, 3),
        definitions=request["AttributeDefinitions"],
        key_schema=request["KeySchema"],
        status="ACTIVE",
        settles_at=now,
        indexes=list(indexes),
        billing_mode=billing_mode,
        on_demand_since=round(now, 3) if billing_mode == "PAY_PER_REQUEST" else None,
        throughput=request.get("ProvisionedThroughput") or {},
        options={member: request[member] for member in schemas.KEPT if request.get(member) not in (None, {})},
    )


def _check_schema(request: Request, billing_mode: str) -> None:
    definitions, key_schema = request["AttributeDefinitions"], request["KeySchema"]
    local, global_ = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    schemas.check_definitions(definitions)
    schemas.check_table_keys(key_schema, definitions, local is not None or global_ is not None)
    schemas.check_index_keys(request)
    schemas.check_indexes(request, billing_mode)
