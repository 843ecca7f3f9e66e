"""ListTagsOfResource."""

from statordb.api.context import Answer, Context, Request
from statordb.api.tags import tagged_table
from statordb.commands.demands import TableDemand
from statordb.model import errors


async def list_tags_of_resource(context: Context, request: Request) -> Answer:
    table = await tagged_table(context, TableDemand("dynamodb:ListTagsOfResource", request["ResourceArn"]))
    if request.get("NextToken") is not None:  # a table's tags fit into one answer, so no token was ever given
        raise errors.validation("One or more parameter values were invalid: Invalid NextToken")
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(table.record.tags.items())]}
