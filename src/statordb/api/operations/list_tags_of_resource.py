"""ListTagsOfResource. A table's tags fit into one answer; AWS does not look at a NextToken that it never gave."""

from statordb.api.context import Answer, Context, Request
from statordb.api.tags import tagged_table
from statordb.commands.demands import TableDemand


async def list_tags_of_resource(context: Context, request: Request) -> Answer:
    table = await tagged_table(context, TableDemand("dynamodb:ListTagsOfResource", request["ResourceArn"]))
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(table.record.tags.items())]}
