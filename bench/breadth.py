"""Requests per second over the breadth of the API, in memory, beside the peers: sixteen kinds of requests."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import figures
import servers
from figures import Line
from load import Client, LoadFailed, Sample, Wrk, write
from servers import Launch, Running, Unavailable
from turns import Bench, missing_lines

GROUP, OURS = "breadth, in memory", "StatorDB --memory"
SEED = 1
ITEMS = 2000
COLLECTIONS, COLLECTION_ITEMS = 20, 100  # which are the items as well
REQUESTS, LARGE_REQUESTS = 2000, 20  # made beforehand for each load; large ones are few, since wrk keeps them all
LARGE_PUT_BYTES, LARGE_GET_BYTES = 100_000, 300_000
TARGETED = ("dynoxide", "DynamoDB Local")

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
PLAIN: dict[str, Any] = {
    "KeySchema": KEYS,
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "BillingMode": "PAY_PER_REQUEST",
}
INDEXED: dict[str, Any] = PLAIN | {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "g", "h")],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": f"by-{name}",
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        for name in ("g", "h")
    ],
}
STREAMED = PLAIN | {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
TABLES = {"plain": PLAIN, "indexed": INDEXED, "streamed": STREAMED}


@dataclass(frozen=True)
class Kind:
    """One kind of request: its name, operation, and the body of the request of a number."""

    name: str
    operation: str
    body: Callable[[int], dict[str, Any]]
    requests: int = REQUESTS


def _key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"c{number % COLLECTIONS}"}, "sk": {"S": f"{number // COLLECTIONS % COLLECTION_ITEMS:04d}"}}


def _named(partition: str, sort: str = "0") -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _item(number: int) -> dict[str, Any]:
    return _key(number) | {
        "n": {"N": str(number)},
        "g": {"S": f"g{number % COLLECTIONS}"},
        "h": {"S": f"h{number % 7}"},
        "d": {"S": "x" * 200},
        "m": {"M": {"list": {"L": [{"N": "1"}, {"S": "two"}]}, "count": {"N": str(number)}}},
    }


def _put(number: int) -> dict[str, Any]:
    return {"Item": _item(number) | {"v": {"N": str(random.Random(number).randrange(1_000_000))}}}


KINDS = (
    Kind("PutItem, two indexes", "PutItem", lambda n: {"TableName": "indexed"} | _put(n)),
    Kind("PutItem, stream of both images", "PutItem", lambda n: {"TableName": "streamed"} | _put(n)),
    Kind(
        "PutItem with a condition",
        "PutItem",
        lambda n: {
            "TableName": "plain",
            "ConditionExpression": "attribute_exists(pk) AND n = :n",
            "ExpressionAttributeValues": {":n": {"N": str(n % ITEMS)}},
        }
        | {"Item": _item(n % ITEMS)},
    ),
    Kind(
        "UpdateItem, nested",
        "UpdateItem",
        lambda n: {
            "TableName": "plain",
            "Key": _key(n),
            "UpdateExpression": "SET m.#list[1] = :s, m.#count = m.#count + :one",
            "ExpressionAttributeNames": {"#list": "list", "#count": "count"},
            "ExpressionAttributeValues": {":s": {"S": f"s{n}"}, ":one": {"N": "1"}},
        },
    ),
    Kind(
        "GetItem, projected",
        "GetItem",
        lambda n: {
            "TableName": "plain",
            "Key": _key(n),
            "ProjectionExpression": "n, m.#list[1], g",
            "ExpressionAttributeNames": {"#list": "list"},
        },
    ),
    Kind(
        "BatchGetItem of 25",
        "BatchGetItem",
        lambda n: {"RequestItems": {"plain": {"Keys": [_key(n + place) for place in range(25)]}}},
    ),
    Kind(
        "BatchWriteItem of 25",
        "BatchWriteItem",
        lambda n: {"RequestItems": {"plain": [{"PutRequest": {"Item": _item(n + place)}} for place in range(25)]}},
    ),
    Kind(
        "TransactWriteItems of 4",
        "TransactWriteItems",
        lambda n: {
            "TransactItems": [{"Put": {"TableName": "plain", "Item": _item(n + place)}} for place in range(4)]
        },
    ),
    Kind(
        "TransactGetItems of 4",
        "TransactGetItems",
        lambda n: {"TransactItems": [{"Get": {"TableName": "plain", "Key": _key(n + place)}} for place in range(4)]},
    ),
    Kind(
        "Query of 100 with a filter",
        "Query",
        lambda n: {
            "TableName": "plain",
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": "n < :n AND begins_with(h, :h)",
            "ExpressionAttributeValues": {
                ":pk": {"S": f"c{n % COLLECTIONS}"},
                ":n": {"N": "1000"},
                ":h": {"S": "h"},
            },
        },
    ),
    Kind(
        "Query of an index",
        "Query",
        lambda n: {
            "TableName": "indexed",
            "IndexName": "by-g",
            "KeyConditionExpression": "g = :g",
            "ExpressionAttributeValues": {":g": {"S": f"g{n % COLLECTIONS}"}},
            "Limit": 20,
        },
    ),
    Kind("Scan, page of 100", "Scan", lambda n: {"TableName": "plain", "Limit": 100}),
    Kind(
        "Scan, page of 100 with a filter",
        "Scan",
        lambda n: {
            "TableName": "plain",
            "Limit": 100,
            "FilterExpression": "n < :n",
            "ExpressionAttributeValues": {":n": {"N": "1000"}},
        },
    ),
    Kind("GetItem of 300 KB", "GetItem", lambda n: {"TableName": "plain", "Key": _named("fat")}),
    Kind(
        "PutItem of 100 KB",
        "PutItem",
        lambda n: {"TableName": "plain", "Item": _named("large", str(n)) | {"d": {"S": "x" * LARGE_PUT_BYTES}}},
        LARGE_REQUESTS,
    ),
    Kind(
        "UpdateItem of one hot item",
        "UpdateItem",
        lambda n: {
            "TableName": "plain",
            "Key": _named("hot"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
    ),
)  # fmt: skip


def breadth(bench: Bench) -> Iterator[Line]:
    """Every kind of request of every server, in turns."""
    peers, missing = bench.peers()
    ours = servers.statordb(OURS, in_memory=True)
    with ExitStack() as stack:
        running = [
            server
            for launch in (ours, *(peer.in_memory for peer in peers))
            if (server := _started(bench, stack, launch, missing)) is not None
        ]
        for kind in KINDS:
            yield from _lines(kind, _take(bench, running, kind, missing))
    yield from missing_lines(GROUP, missing)


def _started(bench: Bench, stack: ExitStack, launch: Launch, missing: dict[str, str]) -> Running | None:
    bench.say(f"starting {launch.name}")
    try:
        server = bench.start(stack, launch)
        _fill(server, bench)
    except (Unavailable, LoadFailed) as reason:
        missing[launch.name] = str(reason)
        return None
    return server


def _fill(server: Running, bench: Bench) -> None:
    client = Client(server.host, bench.signer)
    for table, schema in TABLES.items():
        client.call("CreateTable", json.dumps({"TableName": table} | schema).encode())
        for first in range(0, ITEMS, 25):
            write(client, server, table, [_item(number) for number in range(first, first + 25)])
    write(client, server, "plain", [_named("fat") | {"d": {"S": "x" * LARGE_GET_BYTES}}])


def _take(bench: Bench, running: Sequence[Running], kind: Kind, missing: dict[str, str]) -> dict[str, list[Sample]]:
    """Samples of each server that answers this kind of request. Round 0 warms up."""
    drawn = random.Random(SEED)
    bodies = [json.dumps(kind.body(drawn.randrange(ITEMS))).encode() for _ in range(kind.requests)]
    samples: dict[str, list[Sample]] = {server.name: [] for server in running}
    for number in range(bench.options.rounds + 1):
        for server in running:
            if server.name not in samples:
                continue
            try:
                sample = Wrk(bench.options.seconds).ask([server], bench.signer, kind.operation, bodies)
            except LoadFailed as reason:
                missing[f"{server.name}, {kind.name}"] = str(reason)
                del samples[server.name]
                continue
            if number:
                samples[server.name].append(sample)
            bench.say(f"round {number}: {server.name}, {kind.name}: {sample.rate:,.0f} req/s")
    return samples


def _lines(kind: Kind, samples: dict[str, list[Sample]]) -> Iterator[Line]:
    """StatorDB's line, then each peer's with StatorDB's rate over it."""
    mine = samples.pop(OURS, None)
    if mine:
        yield figures.line(GROUP, kind.name, OURS, mine)
    for name, theirs in samples.items():
        plain = figures.line(GROUP, kind.name, name, theirs)
        if mine:
            ratio = figures.paired_ratio(figures.rates(mine), figures.rates(theirs))
            target = figures.BREADTH_TARGET if name.startswith(TARGETED) else None
            plain = replace(plain, ratio=ratio, against="StatorDB over it", target=target)
        yield plain
