"""How soon a function runs after the write that triggers it, and how many records a second one function gets."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

import cases
import figures
import servers
import streams
from figures import Line
from load import Client, LoadFailed, create_table, fill_with
from servers import Running, Unavailable
from steady import put_steadily
from turns import Bench, missing_lines

GROUP, NAME = "triggers", "StatorDB --data"
RATE = 500  # puts a second
SECONDS, SECONDS_QUICK = 25, 8
WARM_UP_PUTS = 100  # not counted: the function's process starts with the first
BACKLOG, BACKLOG_QUICK = 50_000, 20_000
BATCH_SIZE, BATCH_SIZE_BACKLOG = 100, 1000  # Lambda's default; as large as GetRecords' pages
DELIVERY_SECONDS_MAX = 60
STATE_SECONDS_MAX = 30

# Notes of every record its number and when the handler began, in one write a batch.
CODE = """
import os, time
LOG = open(os.environ["LOG"], "ab", buffering=0)
def handler(event, context):
    now = time.time()
    lines = ["%s %.6f\\n" % (record["dynamodb"]["NewImage"]["n"]["N"], now) for record in event["Records"]]
    LOG.write("".join(lines).encode())
"""


def triggers(bench: Bench) -> Iterator[Line]:
    """The lag of a function at a steady rate of puts, and its rate through a backlog."""
    quick = bench.options.rounds == 1
    try:
        with ExitStack() as stack:
            bench.say(f"starting {NAME}")
            server = bench.start(stack, servers.statordb(NAME))
            yield _lag(bench, server, SECONDS_QUICK if quick else SECONDS)
            yield _backlog(bench, server, BACKLOG_QUICK if quick else BACKLOG)
    except (Unavailable, LoadFailed, ClientError, BotoCoreError) as reason:
        yield from missing_lines(GROUP, {NAME: str(reason)})


def _lag(bench: Bench, server: Running, seconds: int) -> Line:
    log = server.directory / "lag.log"
    create_table(Client(server.host, bench.signer), "lag", "NEW_IMAGE")
    deploy(server, "lag", log, BATCH_SIZE)
    asyncio.run(put_steadily(server.host, bench.signer, "lag", RATE, range(WARM_UP_PUTS)))
    _await_lines(log, WARM_UP_PUTS)
    log.write_bytes(b"")  # the function appends, so it goes on from here
    bench.say(f"{RATE} puts/s for {seconds} s")
    numbers = range(WARM_UP_PUTS, WARM_UP_PUTS + RATE * seconds)
    acknowledged = asyncio.run(put_steadily(server.host, bench.signer, "lag", RATE, numbers))
    handled = _await_lines(log, len(numbers))
    lags = [1000 * max(0.0, handled[number] - acknowledged[number]) for number in handled]
    p50, p95, p99 = (figures.percentile(lags, share) for share in (0.5, 0.95, 0.99))
    return Line(
        GROUP,
        f"lag at {RATE} puts/s, batches of {BATCH_SIZE} at most",
        NAME,
        p50,
        "ms",
        p50_ms=p50,
        p99_ms=p99,
        target=figures.LAG_TARGET,
        note=f"p95 {p95:.2f} ms, {len(lags):,} of {len(numbers):,} puts",
    )


def _backlog(bench: Bench, server: Running, records: int) -> Line:
    bench.say(f"a backlog of {records:,} records")
    log = server.directory / "backlog.log"
    create_table(Client(server.host, bench.signer), "backlog", "NEW_IMAGE")
    fill_with(server, bench.signer, "backlog", records, cases.small_item)
    deploy(server, "backlog", log, BATCH_SIZE_BACKLOG)
    times = sorted(_await_lines(log, records).values())
    behind_first = [at for at in times if at > times[0]]  # the first batch only starts the clock
    rate = len(behind_first) / (times[-1] - times[0])
    case = f"one function, a backlog in batches of {BATCH_SIZE_BACKLOG:,}"
    return Line(GROUP, case, NAME, rate, "records/s")


def deploy(server: Running, table: str, log: Path, batch_size: int) -> None:
    """A function of its own for the stream of `table`, from its start, which notes to `log`; returns when it is fed."""
    log.touch()
    client = Client(server.host, servers.signer())
    described = client.call("DescribeTable", json.dumps({"TableName": table}).encode())["Table"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("function.py", CODE)
    functions = streams.sdk("lambda", server)
    functions.create_function(
        FunctionName=table,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/bench",
        Handler="function.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=60,
        Environment={"Variables": {"LOG": str(log)}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=table)
    uuid = functions.create_event_source_mapping(
        EventSourceArn=described["LatestStreamArn"],
        FunctionName=table,
        StartingPosition="TRIM_HORIZON",
        BatchSize=batch_size,
    )["UUID"]
    deadline = time.monotonic() + STATE_SECONDS_MAX
    while functions.get_event_source_mapping(UUID=uuid)["State"] != "Enabled":
        if time.monotonic() > deadline:
            raise LoadFailed(f"the mapping of {table} was not enabled within {STATE_SECONDS_MAX} s")
        time.sleep(0.05)


def _await_lines(log: Path, numbers: int) -> dict[int, float]:
    """When the function first had each number, once it has had so many. LoadFailed when it does not get there."""
    deadline = time.monotonic() + DELIVERY_SECONDS_MAX
    handled: dict[int, float] = {}
    while log.read_bytes().count(b"\n") < numbers and time.monotonic() < deadline:
        time.sleep(0.1)
    for line in log.read_text().splitlines():
        number, at = line.split()
        handled.setdefault(int(number), float(at))
    if len(handled) < numbers:
        raise LoadFailed(f"the function got {len(handled):,} of {numbers:,} records")
    return handled
