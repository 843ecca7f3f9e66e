"""The cart service under load: thousands of users at once, and the proof that no change was lost on its way into the
cart, nor on its way to the function that counts what is bought together.

Usage: demo.py [--users 2000] [--seconds 20] [--rate 400] [--connections 64] [--endpoint URL | --engine cassandra]

Starts StatorDB on a temporary directory and the cart service on it, deploys the function, drives the service over HTTP,
then reads every cart back from StatorDB, what the function was given, and what it counted. Exit code 1 when the carts
do not hold what was acknowledged, an acknowledged change did not reach the function, or a count is wrong.

With `--engine cassandra`, StatorDB is two servers on a new Cassandra cluster of three nodes, one of which is killed in
the middle. Each server has a cart service of its own, and the two browsers of a user mostly ask different ones.
"""

import argparse
import asyncio
import importlib.util
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import boto3

import databases
import deliveries
import deployment
from databases import Database
from deliveries import Deliveries, percentile
from deployment import Names
from ledger import Stored, Verdict
from processes import free_port, started
from shoppers import ACTIONS, Connection, Report, Shoppers
from visitor import POLL_SECONDS, Visitor

HERE = Path(__file__).resolve().parent
DELIVERY_SECONDS_MAX = 240  # after the last change, until the function has been given all of them
FAULTS_SHOWN_MAX = 10
# On Cassandra three nodes, two servers and the load share one machine, and a write waits for the disks of two nodes.
PACES = {
    "lmdb": {"users": 2000, "seconds": 20.0, "rate": 400.0},
    "cassandra": {"users": 200, "seconds": 30.0, "rate": 60.0},
}
# Well-formed keys; a server with `--auth open` takes any.
SETTINGS = {"AWS_ACCESS_KEY_ID": "DEMO", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_DEFAULT_REGION": "us-east-1"}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Drive the cart service, and prove that no change was lost.")
    parser.add_argument("--engine", choices=PACES, default="lmdb", help="what StatorDB stores with (lmdb)")
    parser.add_argument("--users", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rate", type=float, help="actions a second at most, of all users")
    parser.add_argument("--connections", type=int, default=64, help="HTTP connections at once")
    parser.add_argument(
        "--processes", type=int, default=max(2, min(4, os.cpu_count() or 1)), help="of each cart service"
    )
    parser.add_argument("--endpoint", help="a DynamoDB endpoint that is already there, instead of a new StatorDB")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(words)
    for name, value in PACES[chosen.engine].items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    return chosen


def read_back(client: Any, table: str) -> dict[str, Stored]:
    """Every cart, by a consistent scan that has nothing to do with the service."""
    carts: dict[str, Stored] = {}
    for found in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in found["Items"]:
            carts[item["user"]["S"]] = _stored(item)
    return carts


def _stored(item: dict[str, Any]) -> Stored:
    lines = {product: int(line["M"]["quantity"]["N"]) for product, line in item["lines"]["M"].items()}
    return Stored(int(item["version"]["N"]), lines)


def print_report(report: Report, carts: int, verdict: Verdict) -> None:
    """Rates, latencies, conflicts, and the proof."""
    total = sum(len(tally.seconds) for tally in report.tallies.values())
    print(f"\n{'action':8}{'done':>9}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'gone':>7}{'failed':>8}{'unknown':>9}")
    for action in ACTIONS:
        tally = report.tallies[action]
        done = len(tally.seconds)
        p50, p99 = (f"{percentile(tally.seconds, share) * 1000:.1f}" if done else "" for share in (0.5, 0.99))
        rate = f"{done / report.seconds:.0f}"
        print(f"{action:8}{done:9,}{rate:>9}{p50:>9}{p99:>9}{tally.gone:7}{tally.failed:8}{tally.unknown:9}")
    print(f"{'all':8}{total:9,}{total / report.seconds:9.0f}")
    print(
        f"\n{len(report.users):,} users were active. {report.retries:,} changes met a newer cart and were made again; "
        f"the unluckiest took {report.attempts_most} attempts."
    )
    print("gone: the other browser had removed the product. unknown: no answer, so perhaps done; allowed for below.")
    expected = f"{verdict.acknowledged:,}"
    if verdict.unknown:
        expected = f"{verdict.least:,} to {verdict.most:,} ({verdict.unknown} changes without an answer)"
    print(
        f"\nRead back {carts:,} carts: {verdict.found:,} pieces, {expected} by what was acknowledged; "
        f"{verdict.versions:,} versions, {verdict.changes:,} changes acknowledged."
    )
    for fault in verdict.faults[:FAULTS_SHOWN_MAX]:
        print("LOST UPDATE", fault)
    print("No lost update." if not verdict.faults else f"{len(verdict.faults)} lines or carts do not fit.")


def print_trigger(acknowledged: Mapping[deliveries.Version, float], noted: Deliveries, wrong: Sequence[str]) -> bool:
    """How soon the changes reached the function, and the proof that they did; whether it holds."""
    found = deliveries.reached(acknowledged, noted)
    if found.lags:
        p50, p95, p99 = (f"{percentile(found.lags, share) * 1000:.0f}" for share in (0.5, 0.95, 0.99))
        print(
            f"\nTrigger lag, from a change's acknowledgement to its being counted: p50 {p50} ms, p95 {p95} ms, "
            f"p99 {p99} ms. {noted.batches:,} batches with {len(noted.counted_at) / noted.batches:.0f} changes on "
            f"average, {noted.again} changes given again."
        )
    for user, version in found.missing[:FAULTS_SHOWN_MAX]:
        print(f"NOT DELIVERED {user}, version {version}")
    print(f"{len(found.lags):,} of {found.acknowledged:,} acknowledged updates reached the function.")
    for difference in wrong[:FAULTS_SHOWN_MAX]:
        print("WRONG COUNT", difference)
    print("Every count is what the carts hold." if not wrong else f"{len(wrong)} counts are not what the carts hold.")
    return bool(found.lags) and not found.missing and not wrong


def run(chosen: argparse.Namespace) -> int:
    """Start what is needed, drive it, check. The exit code."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cart-demo-")))
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        if chosen.endpoint is not None:
            database = Database([chosen.endpoint])
        elif chosen.engine == "cassandra":
            print("Starting three nodes of Cassandra, and two StatorDB servers on them.", flush=True)
            database = databases.on_cassandra(stack, work)
        else:
            database = databases.on_disk(stack, work)
        # Tables of its own, so that an endpoint that is already there loses and gains nothing.
        named = deployment.names(f"carts-demo-{uuid.uuid4().hex[:8]}")
        endpoint = database.endpoints[0]
        dynamodb, functions = (boto3.client(service, endpoint_url=endpoint) for service in ("dynamodb", "lambda"))
        began = time.monotonic()
        deployment.deploy(named, dynamodb, functions)
        print(f"Deployed the function {named.function} in {time.monotonic() - began:.1f} s.", flush=True)
        passed = drive(chosen, stack, work, database, named, dynamodb)
        if chosen.endpoint is not None:
            deployment.remove(named, dynamodb, functions)
    return 0 if passed else 1


def drive(
    chosen: argparse.Namespace, stack: ExitStack, work: Path, database: Database, named: Names, dynamodb: Any
) -> bool:
    """Start the service, let the shoppers loose on it, and hold what they know against what is stored."""
    ports = [start_service(chosen, stack, work, endpoint, named) for endpoint in database.endpoints]
    print(
        f"{chosen.users:,} users with two browsers each, {chosen.connections} connections, {chosen.seconds:g} s, "
        f"at most {chosen.rate:g} actions/s, {chosen.processes} processes of the cart service on each of "
        f"{', '.join(database.endpoints)}",
        flush=True,
    )
    shoppers = Shoppers("127.0.0.1", ports, chosen.users, chosen.connections, chosen.rate, chosen.seed)
    visitor = Visitor(Connection("127.0.0.1", ports[0]), shoppers.report)
    report = asyncio.run(shop(shoppers, visitor, database, chosen.seconds))
    carts = read_back(dynamodb, named.carts)
    verdict = report.ledger.check(carts)
    print_report(report, len(carts), verdict)
    # The last version of each cart as well: it may be of a change whose answer was lost, and counts all the same.
    expected = report.acknowledged.keys() | {(user, cart.version) for user, cart in carts.items()}
    noted = deliveries.await_deliveries(dynamodb, named.progress, expected, DELIVERY_SECONDS_MAX)
    counted = deliveries.stored_counts(dynamodb, named.recommendations)
    wrong = deliveries.differences(deliveries.implied_counts(carts), counted)
    delivered = print_trigger(report.acknowledged, noted, wrong)
    if visitor.shown:
        print(
            f"The page showed what was just bought together after {percentile(visitor.shown, 0.5) * 1000:.0f} ms (p50; "
            f"{max(visitor.shown) * 1000:.0f} ms at most), asked every {POLL_SECONDS * 1000:.0f} ms; "
            f"{len(visitor.shown)} visits, {visitor.failed} failed."
        )
    return bool(verdict.changes) and not verdict.faults and delivered


def start_service(chosen: argparse.Namespace, stack: ExitStack, work: Path, endpoint: str, named: Names) -> int:
    """Start a cart service on an endpoint; its port."""
    environment = os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": endpoint, "CART_TABLE": named.carts}
    port = free_port()
    command = [sys.executable, str(HERE / "service.py"), "--port", str(port), "--workers", str(chosen.processes)]
    stack.enter_context(started(command, environment, port, work / f"service-{port}.log"))
    return port


async def shop(shoppers: Shoppers, visitor: Visitor, database: Database, seconds: float) -> Report:
    """The shoppers and the visitor at the same time, and in the middle what harm there is to be done."""
    report, _, _ = await asyncio.gather(shoppers.run(seconds), visitor.run(seconds), harm(database, seconds / 2))
    return report


async def harm(database: Database, seconds: float) -> None:
    """After some seconds, break what the demo is to survive."""
    if database.harm is not None:
        await asyncio.sleep(seconds)
        done = await asyncio.to_thread(database.harm)
        print(f"After {seconds:g} s: {done}.", flush=True)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # unwinds, so that both servers are ended


if __name__ == "__main__":
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
        sys.exit(f"the cart service needs more: {sys.executable} -m pip install -r {HERE / 'requirements.txt'}")
    signal.signal(signal.SIGTERM, _end)
    sys.exit(run(arguments()))
