"""What a stream costs PutItem, and how fast one reader gets through a stream."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any, NamedTuple

import boto3

import cases
import figures
import servers
from cases import PUT, USERS
from figures import Line
from load import Client, LoadFailed, Wrk, create_table, fill, fill_with
from servers import Running, Unavailable
from turns import Bench, Turn, missing_lines

PUTS_GROUP, DRAIN_GROUP = "streams", "drain"
NAME = "StatorDB, 1 worker"
PLAIN, RECOVERY = "plain", "recovery"
VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "KEYS_ONLY")  # an old image costs what a new one does
DRAIN_VIEWS = ("KEYS_ONLY", "NEW_IMAGE")
DRAIN_RECORDS, DRAIN_RECORDS_QUICK = 100_000, 30_000
PAGE_RECORDS = 1000  # GetRecords' limit
SDK_PAGES = 10
NEXT = re.compile(rb'"NextShardIterator":"([^"]+)"')


def puts(bench: Bench) -> Iterator[Line]:
    """PutItem on tables with a stream of several view types, with point-in-time recovery, and with neither, in turns on
    one server."""
    try:
        with ExitStack() as stack:
            bench.say(f"starting {NAME}")
            server = bench.start(stack, servers.statordb(NAME, "--workers", "1"))
            client = Client(server.host, bench.signer)
            for table, view in ((PLAIN, ""), *((view, view) for view in VIEWS)):
                create_table(client, table, view)
                fill(server, bench.signer, table, USERS)
            create_table(client, RECOVERY)
            specification = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
            client.call("UpdateContinuousBackups", json.dumps({"TableName": RECOVERY, **specification}).encode())
            fill(server, bench.signer, RECOVERY, USERS)
            turns = [Turn(server, PUT.operation, table) for table in (PLAIN, *VIEWS, RECOVERY)]
            outcome = bench.take(Wrk(bench.options.seconds, changing=True), turns)
    except (Unavailable, LoadFailed) as reason:
        yield from missing_lines(PUTS_GROUP, {NAME: str(reason)})
        return
    base = outcome.of(NAME, PUT.operation, PLAIN)
    if base:
        yield figures.line(PUTS_GROUP, f"{PUT.name}, no stream", NAME, base)
        for view in VIEWS:
            mine = outcome.of(NAME, PUT.operation, view)
            target = figures.STREAM_TARGET if view == "NEW_AND_OLD_IMAGES" else None
            if mine:
                yield figures.line(PUTS_GROUP, f"{PUT.name}, {view}", NAME, mine, ("no stream", base), target)
        kept = outcome.of(NAME, PUT.operation, RECOVERY)
        if kept:
            name = f"{PUT.name}, point-in-time recovery"
            yield figures.line(PUTS_GROUP, name, NAME, kept, ("no stream", base), figures.RECOVERY_TARGET)
    yield from outcome.faults(PUTS_GROUP)


def drain(bench: Bench) -> Iterator[Line]:
    """One reader through a filled stream, by requests signed by hand and by boto3."""
    records = DRAIN_RECORDS if bench.options.rounds > 1 else DRAIN_RECORDS_QUICK
    try:
        with ExitStack() as stack:
            bench.say(f"starting {NAME}")
            server = bench.start(stack, servers.statordb(NAME, "--workers", "1"))
            for view in DRAIN_VIEWS:
                yield from _drain(bench, server, view, records)
    except (Unavailable, LoadFailed) as reason:
        yield from missing_lines(DRAIN_GROUP, {NAME: str(reason)})


class Drained(NamedTuple):
    """One way through a stream: its records, the seconds that took, the bytes of all answers."""

    records: int
    seconds: float
    size: int


def _drain(bench: Bench, server: Running, view: str, records: int) -> Iterator[Line]:
    bench.say(f"filling a stream of {view} with {records:,} records")
    client = Client(server.host, bench.signer)
    create_table(client, view, view)
    fill_with(server, bench.signer, view, records, cases.small_item)
    arn = client.call("DescribeTable", json.dumps({"TableName": view}).encode())["Table"]["LatestStreamArn"]
    rates: list[float] = []
    for number in range(bench.options.rounds + 1):
        way = read_through(client, arn)
        if way.records != records:
            raise LoadFailed(f"the stream gave {way.records} records of {records}")
        rate = way.records / way.seconds
        bench.say(f"round {number}: {view}: {rate:,.0f} records/s")
        if number:
            rates.append(rate)
    size = f"{way.size / way.records:.0f} bytes a record"
    case = f"GetRecords, {view}"
    yield Line(DRAIN_GROUP, case, NAME, median(rates), "records/s", target=figures.DRAIN_TARGET, note=size)
    by_sdk = _read_by_sdk(server, arn)
    yield Line(DRAIN_GROUP, f"{case}, boto3", NAME, by_sdk.records / by_sdk.seconds, "records/s")


def read_through(client: Client, arn: str) -> Drained:
    """Read every shard of a stream from its start up to its end, or to where it has no more at the moment."""
    description = client.call("DescribeStream", json.dumps({"StreamArn": arn}).encode())["StreamDescription"]
    records = size = 0
    began = time.monotonic()
    for shard in description["Shards"]:
        start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = client.call("GetShardIterator", json.dumps(start).encode())["ShardIterator"].encode()
        while True:
            page = client.ask("GetRecords", b'{"ShardIterator":"%b","Limit":%d}' % (iterator, PAGE_RECORDS))
            found = page.count(b'"eventID"')
            records += found
            size += len(page)
            onward = NEXT.search(page[-1024:]) or NEXT.search(page[:1024])
            if not found or onward is None:
                break
            iterator = onward[1]
    return Drained(records, time.monotonic() - began, size)


def sdk(service: str, server: Running) -> Any:
    """A boto3 client of a server, with the benchmark's key."""
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=servers.ACCESS_KEY_ID,
        aws_secret_access_key=servers.SECRET,
    )


def _read_by_sdk(server: Running, arn: str) -> Drained:
    """The first pages of the stream's first shard, as a consumer with boto3 reads them."""
    client = sdk("dynamodbstreams", server)
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    start = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterator, records = start["ShardIterator"], 0
    began = time.monotonic()
    for _ in range(SDK_PAGES):
        page = client.get_records(ShardIterator=iterator, Limit=PAGE_RECORDS)
        records += len(page["Records"])
        iterator = page["NextShardIterator"]
    return Drained(records, time.monotonic() - began, 0)
