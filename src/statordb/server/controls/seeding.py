"""Tables and items that a test begins with, from one document: made and written through DynamoDB's own API.

    {"songs": {"key": {"artist": "S", "title": "S"}, "items": [{"artist": "Nina Simone", "title": "Sinnerman"}]}}

`create` holds further members of CreateTable, or all of them where there is no `key`. A table that is there already is
added to. `items` are in ordinary JSON, `dynamodb_items` in DynamoDB's.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from statordb.model.request import Principal, Reply, Request, Service

BATCH_ITEMS_MAX = 25
REQUEST_ID = "seed"
ROUNDS_MAX = 20  # of a batch of which some was not taken
MEMBERS = {"key", "create", "items", "dynamodb_items"}


class BadSeed(Exception):
    """What can't be made; args[0] is one sentence."""


class _Number(str):
    """The digits of a number, as they stand there."""


def read(body: bytes | str) -> Any:
    """A document whose numbers keep their digits. Raises BadSeed."""
    try:
        return json.loads(body, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError) as error:
        raise BadSeed(f"This is not JSON: {error}.") from None


async def seed(service: Service, principal: Principal, tables: Any) -> dict[str, int]:
    """Make the tables of a document, as `read` gave it; how many items each was given. Raises BadSeed."""
    if not isinstance(tables, dict):
        raise BadSeed("A seed is an object: names of tables, and what they have.")
    written = {}
    for name, told in tables.items():
        try:
            written[name] = await _table(service, principal, name, told)
        except (AttributeError, KeyError, TypeError):
            raise BadSeed(f"The table {name} is not as a seed has one.") from None
    return written


async def _table(service: Service, principal: Principal, name: str, told: Mapping[str, Any]) -> int:
    """Make a table, and write its items; how many there were."""
    if unknown := told.keys() - MEMBERS:
        raise BadSeed(f"A table of a seed has {', '.join(sorted(MEMBERS))}, and no {sorted(unknown)[0]}: see {name}.")
    await _make(service, principal, name, told)
    items = [*map(_typed, told.get("items", ())), *map(plain, told.get("dynamodb_items", ()))]
    for at in range(0, len(items), BATCH_ITEMS_MAX):
        await _write(service, principal, name, items[at : at + BATCH_ITEMS_MAX])
    return len(items)


async def _make(service: Service, principal: Principal, name: str, told: Mapping[str, Any]) -> None:
    if "key" not in told and "create" not in told:
        return
    asked = {"BillingMode": "PAY_PER_REQUEST", **plain(told.get("create", {})), "TableName": name}
    if "key" in told:
        kinds = zip(told["key"].items(), ("HASH", "RANGE"), strict=False)
        schema = [(attribute, type, kind) for (attribute, type), kind in kinds]
        asked["KeySchema"] = [{"AttributeName": attribute, "KeyType": kind} for attribute, _, kind in schema]
        others = [each for each in asked.get("AttributeDefinitions", ()) if each["AttributeName"] not in told["key"]]
        asked["AttributeDefinitions"] = [
            *({"AttributeName": attribute, "AttributeType": type} for attribute, type, _ in schema), *others
        ]  # fmt: skip
    reply = await _call(service, principal, "CreateTable", asked)
    if reply.status != 200 and reply.error != "ResourceInUseException":
        raise BadSeed(f"The table {name} can't be made: {bytes(reply.body).decode()}")


async def _write(service: Service, principal: Principal, name: str, items: list[Any]) -> None:
    waiting = {name: [{"PutRequest": {"Item": item}} for item in items]}
    for _ in range(ROUNDS_MAX):
        reply = await _call(service, principal, "BatchWriteItem", {"RequestItems": waiting})
        if reply.status != 200:
            raise BadSeed(f"Items of {name} can't be written: {bytes(reply.body).decode()}")
        waiting = json.loads(reply.body)["UnprocessedItems"]
        if not waiting:
            return
    raise BadSeed(f"Items of {name} are not taken.")


async def _call(service: Service, principal: Principal, operation: str, asked: Mapping[str, Any]) -> Reply:
    reply = service.handle(Request(operation, json.dumps(asked).encode(), principal, REQUEST_ID, source=service))
    if isinstance(reply, Reply):
        return reply
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()  # tasks may wait for one of these
    reply.add_done_callback(lambda done: answer.set_result(done.result()))
    return await answer


def _typed(item: Any) -> dict[str, Any]:
    """An item of ordinary JSON in DynamoDB's."""
    if not isinstance(item, dict):
        raise BadSeed("An item is an object.")
    return {name: _value(value) for name, value in item.items()}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, _Number):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, list):
        return {"L": [_value(each) for each in value]}
    return {"M": _typed(value)}


def plain(value: Any) -> Any:
    """What is no item, or one in DynamoDB's JSON: numbers that stand in CreateTable are numbers again."""
    if isinstance(value, _Number):
        return float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
