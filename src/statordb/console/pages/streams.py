"""A table's stream as it goes on: each look gives what came since the last one, bounded in shards and records.

A place in the stream is the page's own to keep: the last sequence number of each open shard, or an iterator where
nothing has come yet. Nothing is kept here between two looks.
"""

import asyncio
import json
from typing import Any

from starlette.responses import HTMLResponse, Response

from statordb.console.calls import Answer, Fault
from statordb.console.limits import TAIL_RECORDS_MAX, TAIL_SHARDS_MAX
from statordb.console.page import Page
from statordb.console.pages.tables import described

SERVICE = "dynamodbstreams"
PLACE_CHARACTERS_MAX = 12_000


async def show_stream(page: Page) -> Response:
    table = await described(page)
    is_on = table.get("StreamSpecification", {}).get("StreamEnabled", False)
    return page.render(
        "stream.html", name=table["TableName"], tab="stream", is_on=is_on, arn=table.get("LatestStreamArn")
    )


async def tail(page: Page) -> Response:
    """Rows for what came since `from`, and the place behind it in X-Place. At first: from now on."""
    table = await described(page)
    arn = table.get("LatestStreamArn")
    if arn is None:
        raise Fault("ResourceNotFoundException", "The table has no stream.", 404)
    places = _places(page.query("from"))
    told = await page.ask(SERVICE, "DescribeStream", StreamArn=arn, Limit=100)
    shards = told["StreamDescription"]["Shards"]
    latest = [one["ShardId"] for one in shards if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
    wanted = [*(shard for shard in places if shard not in latest), *latest][:TAIL_SHARDS_MAX]
    start = "TRIM_HORIZON" if places else "LATEST"  # a shard that is new since the last look is read from its beginning
    looks = await asyncio.gather(*(_look(page, arn, shard, places.get(shard, ""), start) for shard in wanted))
    after = {shard: iterator for shard, (_, iterator) in zip(wanted, looks, strict=True) if iterator}
    records = sorted((one for found, _ in looks for one in found), key=_order)
    text = page.templates.get_template("tail.html").render(records=records)
    return HTMLResponse(text, headers={"X-Place": json.dumps(after)})


async def _look(page: Page, arn: str, shard: str, iterator: str, start: str) -> tuple[list[Answer], str]:
    """What a shard has behind an iterator, and the next one; "" where the shard has ended."""
    if not iterator:
        made = await page.ask(SERVICE, "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType=start)
        iterator = made["ShardIterator"]
    try:
        found = await page.ask(SERVICE, "GetRecords", ShardIterator=iterator, Limit=TAIL_RECORDS_MAX)
    except Fault as fault:
        if fault.code not in ("ExpiredIteratorException", "TrimmedDataAccessException"):
            raise
        return [], ""  # the page was asleep: it goes on from now
    return found["Records"], found.get("NextShardIterator", "")


def _order(record: Answer) -> tuple[Any, int]:
    return record["dynamodb"]["ApproximateCreationDateTime"], int(record["dynamodb"]["SequenceNumber"])


def _places(text: str) -> dict[str, str]:
    """Iterators by shard as a page kept them. Raises Fault."""
    if not text:
        return {}
    try:
        found = json.loads(text) if len(text) <= PLACE_CHARACTERS_MAX else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise Fault("ParamValidationError", "This is no place in a stream.")
    return found


SHOWN = {"/tables/{table}/stream": show_stream, "/tables/{table}/tail": tail}
DONE: dict[str, Any] = {}
