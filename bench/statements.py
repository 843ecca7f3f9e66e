"""What a PartiQL statement costs beside the native operation that does the same: processor time within one process.

No wire and no disk: a dispatcher on a store in memory answers both in turns, so that the ratio is that of the work
itself. Each INSERT and each put is of an item that is not there.
"""

import asyncio
import inspect
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson

import figures
from figures import Line, Target
from load import BATCH_ITEMS
from statordb.api.dispatch import Dispatcher
from statordb.api.shape_overrides import DYNAMODB
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import SystemClock
from statordb.model.request import Principal, Request
from statordb.model.service import load_service
from statordb.shapes.json import Shapes
from statordb.store.store import Store
from turns import Bench

GROUP = "statements, within one process"
SELECT_TARGET = Target(1.5, at_most=True)  # of GetItem's cost
INSERT_TARGET = Target(1.3, at_most=True)  # of PutItem's
BATCH_SELECT_TARGET = Target(3.0, at_most=True)  # of BatchGetItem's, which answers with what is stored
BATCH_INSERT_TARGET = Target(2.0, at_most=True)  # of BatchWriteItem's
ITEMS, REQUESTS, ROUNDS = 1000, 1000, 9
WRITES_AT_ONCE = 16
PRINCIPAL = Principal("000000000000", "bench", "us-east-1", "arn:aws:iam::000000000000:root")
CREATE = {
    "TableName": "plain",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "BillingMode": "PAY_PER_REQUEST",
}

Made = Callable[[int], dict[str, Any]]


def _item(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "a"}, "n": {"N": "17"}, "d": {"S": "x" * 900}}


def _get(number: int) -> dict[str, Any]:
    return {"TableName": "plain", "Key": {"pk": {"S": f"item{number % ITEMS}"}, "sk": {"S": "a"}}}


def _select(number: int) -> dict[str, Any]:
    parameters = [{"S": f"item{number % ITEMS}"}, {"S": "a"}]
    return {"Statement": 'SELECT * FROM "plain" WHERE pk = ? AND sk = ?', "Parameters": parameters}


def _put(number: int) -> dict[str, Any]:
    return {"TableName": "plain", "Item": _item(f"put{number}")}


def _insert(number: int, name: str = "insert") -> dict[str, Any]:
    statement = "INSERT INTO \"plain\" VALUE {'pk': ?, 'sk': ?, 'n': ?, 'd': ?}"
    return {"Statement": statement, "Parameters": list(_item(f"{name}{number}").values())}


def _inserted(number: int) -> dict[str, Any]:
    return _insert(number, "inserts")


def _batch_get(number: int) -> dict[str, Any]:
    keys = [_get(BATCH_ITEMS * number + place)["Key"] for place in range(BATCH_ITEMS)]
    return {"RequestItems": {"plain": {"Keys": keys}}}


def _batch_put(number: int) -> dict[str, Any]:
    puts = [{"PutRequest": {"Item": _item(f"puts{number}-{place}")}} for place in range(BATCH_ITEMS)]
    return {"RequestItems": {"plain": puts}}


def _batch(made: Made) -> Made:
    return lambda number: {"Statements": [made(BATCH_ITEMS * number + place) for place in range(BATCH_ITEMS)]}


class Pair(NamedTuple):
    """A statement's request, and the native one that is held against it. Of both, so many are made a round."""

    case: str
    operation: str
    statement: Made
    native_operation: str
    native: Made
    target: Target
    requests: int = REQUESTS


PAIRS = (
    Pair("SELECT by the whole key", "ExecuteStatement", _select, "GetItem", _get, SELECT_TARGET),
    Pair("INSERT", "ExecuteStatement", _insert, "PutItem", _put, INSERT_TARGET),
    Pair(
        f"{BATCH_ITEMS} times SELECT", "BatchExecuteStatement", _batch(_select), "BatchGetItem", _batch_get,
        BATCH_SELECT_TARGET, REQUESTS // BATCH_ITEMS,
    ),
    Pair(
        f"{BATCH_ITEMS} times INSERT", "BatchExecuteStatement", _batch(_inserted), "BatchWriteItem", _batch_put,
        BATCH_INSERT_TARGET, REQUESTS // BATCH_ITEMS,
    ),
)  # fmt: skip


def statements(bench: Bench) -> Iterator[Line]:
    """A line for each pair, its ratio that of the costs: the lower, the better."""
    directory = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").exists() else None))
    try:
        yield from asyncio.run(_measured(bench, directory))
    finally:
        shutil.rmtree(directory)


async def _measured(bench: Bench, directory: Path) -> list[Line]:
    store = Store(LmdbEngine.open(directory, durable=False), SystemClock(), 0.0)
    dispatcher = Dispatcher(store, Shapes(DYNAMODB, load_service()), _unexpected)
    await _answered(dispatcher, "CreateTable", [CREATE])
    puts = [{"TableName": "plain", "Item": _item(f"item{number}")} for number in range(ITEMS)]
    await _answered(dispatcher, "PutItem", puts)
    lines = []
    for pair in PAIRS:
        ours, theirs = [], []
        for number in range(ROUNDS + 1):  # the first warms up
            numbers = range(number * pair.requests, (number + 1) * pair.requests)
            one = await _answered(dispatcher, pair.operation, list(map(pair.statement, numbers)))
            other = await _answered(dispatcher, pair.native_operation, list(map(pair.native, numbers)))
            if number:
                ours.append(one)
                theirs.append(other)
            bench.say(f"round {number}: {pair.case} {one:.1f} us, {pair.native_operation} {other:.1f} us")
        ratio, against = figures.paired_ratio(ours, theirs), f"over {pair.native_operation}"
        lines.append(
            Line(GROUP, pair.case, "StatorDB", median(ours), "us", ratio=ratio, against=against, target=pair.target)
        )
    await store.close()
    return lines


def _unexpected(_: Request, fault: BaseException) -> None:
    raise fault


async def _answered(dispatcher: Dispatcher, operation: str, bodies: list[dict[str, Any]]) -> float:
    """Have requests answered, and tell what one takes of this process's time, in microseconds."""
    requests = [Request(operation, orjson.dumps(body), PRINCIPAL, "id") for body in bodies]
    began = time.process_time()
    for first in range(0, len(requests), WRITES_AT_ONCE):
        for reply in [dispatcher.handle(request) for request in requests[first : first + WRITES_AT_ONCE]]:
            done = await reply if inspect.isawaitable(reply) else reply
            assert done.status == 200, done.body
    return (time.process_time() - began) / len(requests) * 1e6
