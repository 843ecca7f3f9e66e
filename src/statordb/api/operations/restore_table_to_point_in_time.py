"""RestoreTableToPointInTime. The items are those of the moment, the settings those of the source now. The table is
CREATING until all items are there; the keeper puts them.

Texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026, TABLE-100, -272 and -274).
"""

from statordb.api import recovery, restoring
from statordb.api.context import Answer, Context, Request
from statordb.api.description import coming
from statordb.commands.demands import ResourceDemand
from statordb.model import errors
from statordb.model.arns import parse_table
from statordb.store.records import RestoreRecord
from statordb.store.table import Table

_ACTION = "dynamodb:RestoreTableToPointInTime"


async def restore_table_to_point_in_time(context: Context, request: Request) -> Answer:
    _check(request)
    source = await _source(context, request)
    record = source.record
    if record.recovery is None or record.track is None:
        raise errors.recovery_unavailable(source.name)
    moment = await _moment(context, request, source)
    restoring.check(request, record)
    origin = RestoreRecord(record.arn, moment, "", (await source.usage()).bytes, record.track)
    name = context.named(request["TargetTableName"])
    return {"TableDescription": coming(await restoring.restore(context, request, name, record, origin))}


def _check(request: Request) -> None:
    """What the request says twice, or not at all. Raises ValidationException."""
    named, arn = request.get("SourceTableName"), request.get("SourceTableArn")
    if named is not None and arn is not None:
        raise errors.validation("Must provide exactly one of: sourceTableArn, sourceTableName")
    if named is None and arn is None:
        raise errors.validation("The parameter 'TableName' is required")
    latest, moment = request.get("UseLatestRestorableTime"), request.get("RestoreDateTime")
    if latest and moment is not None:
        raise errors.invalid_request(
            "Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore "
            "request. Please specify only one of them"
        )
    if not latest and moment is None:
        raise errors.invalid_request(
            "Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
        )


async def _source(context: Context, request: Request) -> Table:
    """The table, which may be another region's where its ARN is given. Raises ValidationException,
    AccessDeniedException, TableNotFoundException."""
    account, region, name = _named(context, request)
    await context.admit(ResourceDemand(_ACTION, f"arn:aws:dynamodb:{region}:{account}:table/{name}"))
    await restoring.admit_target(context, request, _ACTION)
    restoring.check_region(context, request, region)
    table = await context.store.catalog.reload(account, region, name)
    if table is None or not recovery.is_there(table.record, context.now()) or table.record.status == "DELETING":
        raise errors.table_not_found_for_backups(name)
    return table


def _named(context: Context, request: Request) -> tuple[str, str, str]:
    arn = request.get("SourceTableArn")
    if arn is None:
        named: tuple[str, str, str] = context.named(request["SourceTableName"])
        return named
    parts = parse_table(arn)
    if parts is None:
        raise errors.invalid_parameters("sourceTableArn is not a valid ARN")
    account, region = context.gate.place(context.principal, *parts[:2])
    if account != context.principal.account:
        raise errors.validation("This action is only supported by accounts that match the resource owner's account")
    return account, region, parts[2]


async def _moment(context: Context, request: Request, source: Table) -> float:
    """In seconds since the epoch. Raises InvalidRestoreTimeException."""
    earliest, latest = await recovery.times(context, source.record)
    if request.get("UseLatestRestorableTime"):
        return latest
    moment = round(float(request["RestoreDateTime"]), 3)
    if not earliest <= moment <= latest:
        raise errors.invalid_restore_time(*map(recovery.text_of, (moment, earliest, latest)))
    return moment
