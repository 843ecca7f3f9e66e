"""ListTagsOfResource."""

from statordb.api.context import Answer, Context, Request
from statordb.api.tags import tagged_table
from statordb.model import errors

PAGE_TAGS_MAX = 10  # API reference: "If more than 10 tags are assigned, call again with NextToken"


async def list_tags_of_resource(context: Context, request: Request) -> Answer:
    table = await tagged_table(context, request["ResourceArn"])
    token = request.get("NextToken")
    if token is not None and not (token.isascii() and token.isdigit() and len(token) <= 4):
        raise errors.validation("One or more parameter values were invalid: Invalid NextToken")
    start = int(token) if token is not None else 0
    tags = [{"Key": key, "Value": value} for key, value in sorted(table.record.tags.items())]
    answer: dict[str, object] = {"Tags": tags[start : start + PAGE_TAGS_MAX]}
    if start + PAGE_TAGS_MAX < len(tags):
        answer["NextToken"] = str(start + PAGE_TAGS_MAX)
    return answer
