"""UpdateTableReplicaAutoScaling: only global tables have it."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors


async def update_table_replica_auto_scaling(context: Context, request: Request) -> Answer:
    name = (await context.scope(TableDemand("dynamodb:UpdateTableReplicaAutoScaling", request["TableName"])))[2]
    raise errors.resource_not_found(f"Global table with name: '{name}' does not exist.")
