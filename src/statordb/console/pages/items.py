"""Items: pages of them by key, index and filter; one to look at and change; statements of PartiQL."""

import json
from typing import Any

from starlette.responses import Response

from statordb.console import showing
from statordb.console.calls import Answer, Fault
from statordb.console.editing import Item, change_of, parse_item
from statordb.console.limits import COLUMNS_MAX, PAGE_ITEMS, PAGE_ITEMS_MAX
from statordb.console.page import Page, address, whole
from statordb.console.pages.tables import described

COMPARISONS = {
    "=": "{name} = {value}", "<": "{name} < {value}", "<=": "{name} <= {value}", ">": "{name} > {value}",
    ">=": "{name} >= {value}", "begins_with": "begins_with({name}, {value})", "<>": "{name} <> {value}",
    "contains": "contains({name}, {value})", "exists": "attribute_exists({name})",
    "not_exists": "attribute_not_exists({name})",
}  # fmt: skip
OF_KEYS = ("=", "<", "<=", ">", ">=", "begins_with")
SCALARS = ("S", "N", "BOOL", "NULL", "B")


async def show_items(page: Page) -> Response:
    """One page of a table or an index: a Query where a partition key is given, else a Scan."""
    table = await described(page)
    asked = dict(page.request.query_params)
    indexes = [*table.get("GlobalSecondaryIndexes", ()), *table.get("LocalSecondaryIndexes", ())]
    chosen = next((one for one in indexes if one["IndexName"] == asked.get("index")), table)
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    found: Answer = {"Items": []}
    fault = None
    try:
        operation, told = _request(asked, table, chosen, types)
        found = await page.dynamodb(operation, **told)
    except Fault as refused:
        fault = refused
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    columns = _columns(found["Items"], keys)
    rows = [(_place(table["TableName"], item, keys), [item.get(name) for name in columns]) for item in found["Items"]]
    last = found.get("LastEvaluatedKey")
    further = None if last is None else {**asked, "from": showing.document(last)}
    return page.render(
        "items.html", name=table["TableName"], tab="items", table=table, chosen=chosen, indexes=indexes, types=types,
        asked=asked, found=found, fault=fault, columns=columns, rows=rows, further=further, of_keys=OF_KEYS,
        comparisons=list(COMPARISONS), scalars=SCALARS,
    )  # fmt: skip


def _request(asked: dict[str, str], table: Answer, chosen: Answer, types: dict[str, str]) -> tuple[str, Answer]:
    """The operation that finds what a page asks for, and its parameters. Raises Fault."""
    limit = min(PAGE_ITEMS_MAX, max(1, whole(asked.get("limit", ""), "Items a page", PAGE_ITEMS) or 1))
    told: Answer = {"TableName": table["TableName"], "Limit": limit, "ReturnConsumedCapacity": "TOTAL"}
    if chosen is not table:
        told["IndexName"] = chosen["IndexName"]
    names: dict[str, str] = {}
    values: Item = {}
    if asked.get("from"):
        told["ExclusiveStartKey"] = parse_item(asked["from"])
    if asked.get("filter"):
        compare = COMPARISONS.get(asked.get("filter_by", "="), COMPARISONS["="])
        names["#f"] = asked["filter"]
        if "{value}" in compare:
            values[":f"] = _typed(asked.get("filter_type", "S"), asked.get("filter_value", ""))
        told["FilterExpression"] = compare.format(name="#f", value=":f")
    operation = "Scan"
    if asked.get("partition"):
        operation = "Query"
        partition, *sort = [key["AttributeName"] for key in chosen["KeySchema"]]
        names["#p"], values[":p"] = partition, _typed(types[partition], asked["partition"])
        condition = "#p = :p"
        if asked.get("sort") and sort:
            by = asked.get("sort_by", "=")
            names["#s"], values[":s"] = sort[0], _typed(types[sort[0]], asked["sort"])
            condition += " AND " + COMPARISONS[by if by in OF_KEYS else "="].format(name="#s", value=":s")
        told["KeyConditionExpression"] = condition
        told["ScanIndexForward"] = asked.get("order") != "down"
    if names:
        told["ExpressionAttributeNames"] = names
    if values:
        told["ExpressionAttributeValues"] = values
    return operation, told


def _typed(kind: str, text: str) -> dict[str, Any]:
    """A value of what somebody typed. Raises Fault."""
    if kind == "BOOL":
        return {kind: text.strip().lower() == "true"}
    if kind == "NULL":
        return {kind: True}
    return parse_item(json.dumps({"v": {kind: text.strip() if kind == "N" else text}}))["v"]


def _columns(items: list[Item], keys: list[str]) -> list[str]:
    """The keys, then what most items have."""
    counts: dict[str, int] = {}
    for item in items:
        for name in item:
            counts[name] = counts.get(name, 0) + 1
    others = sorted((name for name in counts if name not in keys), key=lambda name: (-counts[name], name))
    return keys + others[: COLUMNS_MAX - len(keys)]


def _place(table: str, item: Item, keys: list[str]) -> Answer:
    return {"path": address("tables", table, "item"), "key": showing.document({key: item[key] for key in keys})}


async def show_item(page: Page) -> Response:
    """One item to change, or an empty one."""
    table = await described(page)
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    if not (key := page.query("key")):
        item: Item = {name: {types[name]: "0" if types[name] == "N" else ""} for name in keys}
        return _editor(page, table, item, showing.document(item, 2), "", None)
    found = await page.dynamodb("GetItem", TableName=table["TableName"], Key=parse_item(key), ConsistentRead=True)
    if "Item" not in found:
        raise Fault("NotFound", "There is no item with this key any more.", 404)
    text = showing.document(found["Item"], 2)
    return _editor(page, table, found["Item"], text, showing.document(found["Item"]), None)


def _editor(page: Page, table: Answer, item: Item, text: str, before: str, fault: Fault | None) -> Response:
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    rows = [(name, kind, content, name in keys) for name, typed in item.items() for kind, content in typed.items()]
    return page.render(
        "item.html", 400 if fault else 200, name=table["TableName"], tab="items", rows=rows, text=text, before=before,
        fault=fault, keys=keys,
    )  # fmt: skip


async def save(page: Page) -> Response:
    """Write what was changed, where nobody has changed the same meanwhile; or a new item, where there is none."""
    table = await described(page)
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    name, text, before = table["TableName"], page.field("item"), page.field("before")
    back = address("tables", name, "items")
    try:
        item = parse_item(text)
        if not before:
            free = {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": keys[0]}}
            await page.dynamodb("PutItem", TableName=name, Item=item, **free)
            return page.go(back, "The item was made.")
        told = change_of(parse_item(before), item, keys)
        if told is None:
            return page.go(back, "Nothing was changed.")
        await page.dynamodb("UpdateItem", TableName=name, **told)
        return page.go(back, "The item was changed.")
    except Fault as fault:
        if fault.code == "ConditionalCheckFailedException":
            fault.message += (
                ". Somebody else has changed or deleted it meanwhile: open the item again to see it as it is."
                if before else ". There is an item with this key already."
            )  # fmt: skip
        return _editor(page, table, {}, text.replace("\r\n", "\n"), before, fault)


async def delete(page: Page) -> Response:
    """Delete an item as it was seen: one that somebody has changed meanwhile stays."""
    table = await described(page)
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    before = parse_item(page.field("before"))
    names = {f"#a{number}": name for number, name in enumerate(before)}
    await page.dynamodb(
        "DeleteItem",
        TableName=table["TableName"],
        Key={key: before[key] for key in keys},
        ConditionExpression=" AND ".join(f"#a{number} = :a{number}" for number in range(len(before))),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":a{number}": value for number, value in enumerate(before.values())},
    )
    return page.go(address("tables", table["TableName"], "items"), "The item was deleted.")


async def show_statement(page: Page) -> Response:
    return page.render("partiql.html", statement="", found=None, fault=None, columns=[], next="")


async def run_statement(page: Page) -> Response:
    """One statement, with what it took."""
    statement, found, fault = page.field("statement"), None, None
    try:
        found = await page.dynamodb(
            "ExecuteStatement", Statement=statement, NextToken=page.field("next") or None, Limit=PAGE_ITEMS_MAX,
            ReturnConsumedCapacity="INDEXES",
        )  # fmt: skip
    except Fault as refused:
        fault = refused
    columns = _columns(found["Items"] if found else [], [])
    token = (found or {}).get("NextToken", "")
    return page.render("partiql.html", statement=statement, found=found, fault=fault, columns=columns, next=token)


SHOWN = {"/tables/{table}/items": show_items, "/tables/{table}/item": show_item, "/partiql": show_statement}
DONE = {"/tables/{table}/item": save, "/tables/{table}/delete-item": delete, "/partiql": run_statement}
