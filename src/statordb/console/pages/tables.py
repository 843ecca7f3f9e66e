"""Tables: the list, a new one, one with all that belongs to it, changes and the end of it."""

import asyncio
from typing import Any

from starlette.responses import Response

from statordb.console.calls import Answer, Fault
from statordb.console.limits import TABLES_SHOWN_MAX
from statordb.console.page import Page, address, whole

INDEXES_MAX = 5  # that the form for a new table has room for; further ones are added later
ON_DEMAND = "PAY_PER_REQUEST"


async def show_tables(page: Page) -> Response:
    """All tables of an account in a region, with what is known of each."""
    names: list[str] = []
    start: str | None = None
    while len(names) < TABLES_SHOWN_MAX:
        found = await page.dynamodb("ListTables", ExclusiveStartTableName=start)
        names += found["TableNames"]
        start = found.get("LastEvaluatedTableName")
        if start is None:
            break
    wanted = page.query("find").strip().lower()
    shown = [name for name in names if wanted in name.lower()][:TABLES_SHOWN_MAX]
    told = await asyncio.gather(*(page.may("dynamodb", "DescribeTable", TableName=name) for name in shown[:100]))
    rows = [(name, None if isinstance(one, Fault) else one["Table"]) for name, one in zip(shown, told, strict=False)]
    rows += [(name, None) for name in shown[100:]]
    return page.render("tables.html", rows=rows, count=len(names), find=page.query("find"), more=start is not None)


async def show_new(page: Page) -> Response:
    return page.render("new_table.html", fault=None, form={}, indexes=INDEXES_MAX)


async def create(page: Page) -> Response:
    form = dict(page.fields)
    try:
        await page.dynamodb("CreateTable", **_definition(form))
    except Fault as fault:
        return page.render("new_table.html", 400, fault=fault, form=form, indexes=INDEXES_MAX)
    name = form["name"].strip()
    return page.go(address("tables", name), f"{name} is being created.")


def _definition(form: dict[str, str]) -> Answer:
    """CreateTable's parameters. What is wrong with names is the API's to say. Raises Fault where a number is none."""
    types: dict[str, str] = {}
    made: Answer = {
        "TableName": form.get("name", "").strip(),
        "KeySchema": _keys(form, "", types),
        "BillingMode": form.get("billing", ON_DEMAND),
        "DeletionProtectionEnabled": "protected" in form,
    }
    throughput = _throughput(form)
    if throughput:
        made["ProvisionedThroughput"] = throughput
    indexes: dict[str, list[Answer]] = {"GlobalSecondaryIndexes": [], "LocalSecondaryIndexes": []}
    for number in range(INDEXES_MAX):
        name = form.get(f"index{number}_name", "").strip()
        if not name:
            continue
        kind = form.get(f"index{number}_kind", "GlobalSecondaryIndexes")
        index: Answer = {
            "IndexName": name,
            "KeySchema": _keys(form, f"index{number}_", types),
            "Projection": {"ProjectionType": form.get(f"index{number}_projection", "ALL")},
        }
        if kind == "GlobalSecondaryIndexes" and throughput:
            index["ProvisionedThroughput"] = throughput
        indexes.setdefault(kind, []).append(index)
    made.update({kind: found for kind, found in indexes.items() if found})
    if form.get("stream"):
        made["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": form["stream"]}
    made["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
    return made


def _keys(form: dict[str, str], prefix: str, types: dict[str, str]) -> list[Answer]:
    """A key schema by fields of a form; notes the types of its attributes."""
    found = []
    for role, key_type in (("partition", "HASH"), ("sort", "RANGE")):
        name = form.get(f"{prefix}{role}", "").strip()
        if name:
            types.setdefault(name, form.get(f"{prefix}{role}_type", "S"))
            found.append({"AttributeName": name, "KeyType": key_type})
    return found


def _throughput(form: dict[str, str]) -> Answer | None:
    if form.get("billing") != "PROVISIONED":
        return None
    return {
        "ReadCapacityUnits": whole(form.get("reads", ""), "Read units", 5),
        "WriteCapacityUnits": whole(form.get("writes", ""), "Write units", 5),
    }


async def described(page: Page) -> Answer:
    """The table of a page's path. Raises Fault."""
    found: Answer = (await page.dynamodb("DescribeTable", TableName=page.path("table")))["Table"]
    return found


async def show_table(page: Page) -> Response:
    table = await described(page)
    name, arn = table["TableName"], table["TableArn"]
    expiry, backups, tags, targets = await asyncio.gather(
        page.may("dynamodb", "DescribeTimeToLive", TableName=name),
        page.may("dynamodb", "DescribeContinuousBackups", TableName=name),
        page.may("dynamodb", "ListTagsOfResource", ResourceArn=arn),
        page.may("dynamodb", "DescribeKinesisStreamingDestination", TableName=name),
    )
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    return page.render(
        "table.html", table=table, name=name, tab="overview", types=types, expiry=expiry, backups=backups, tags=tags,
        targets=targets,
    )  # fmt: skip


async def change(page: Page) -> Response:
    """One setting of a table: which, the form says."""
    name, what = page.path("table"), page.field("what")
    changes = {
        "billing": _change_billing, "protection": _change_protection, "stream": _change_stream,
        "expiry": _change_expiry, "history": _change_history, "index": _add_index, "drop-index": _drop_index,
        "tag": _tag, "untag": _untag, "class": _change_class,
    }  # fmt: skip
    if what not in changes:
        raise Fault("ParamValidationError", "This form says nothing that a table could be told.")
    await changes[what](page, name)
    return page.go(address("tables", name), "The change was taken.")


async def _change_billing(page: Page, name: str) -> None:
    form = dict(page.fields)
    told: Answer = {"BillingMode": form.get("billing", ON_DEMAND)}
    if throughput := _throughput(form):
        told["ProvisionedThroughput"] = throughput
        table = await described(page)
        if indexes := [one["IndexName"] for one in table.get("GlobalSecondaryIndexes", ())]:
            if table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND:
                told["GlobalSecondaryIndexUpdates"] = [
                    {"Update": {"IndexName": index, "ProvisionedThroughput": throughput}} for index in indexes
                ]
    await page.dynamodb("UpdateTable", TableName=name, **told)


async def _change_protection(page: Page, name: str) -> None:
    await page.dynamodb("UpdateTable", TableName=name, DeletionProtectionEnabled=page.field("on") == "1")


async def _change_class(page: Page, name: str) -> None:
    await page.dynamodb("UpdateTable", TableName=name, TableClass=page.field("class"))


async def _change_stream(page: Page, name: str) -> None:
    view = page.field("view")
    told: dict[str, Any] = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
    await page.dynamodb("UpdateTable", TableName=name, StreamSpecification=told)


async def _change_expiry(page: Page, name: str) -> None:
    told = {"AttributeName": page.field("attribute"), "Enabled": page.field("on") == "1"}
    await page.dynamodb("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=told)


async def _change_history(page: Page, name: str) -> None:
    told = {"PointInTimeRecoveryEnabled": page.field("on") == "1"}
    await page.dynamodb("UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=told)


async def _add_index(page: Page, name: str) -> None:
    form, types = dict(page.fields), dict[str, str]()
    index: Answer = {
        "IndexName": form.get("index_name", "").strip(),
        "KeySchema": _keys(form, "index_", types),
        "Projection": {"ProjectionType": form.get("index_projection", "ALL")},
    }
    table = await described(page)
    if table.get("BillingModeSummary", {}).get("BillingMode") != ON_DEMAND:
        given = table["ProvisionedThroughput"]
        index["ProvisionedThroughput"] = {unit: given[unit] for unit in ("ReadCapacityUnits", "WriteCapacityUnits")}
    defined = [{"AttributeName": one, "AttributeType": kind} for one, kind in types.items()]
    await page.dynamodb(
        "UpdateTable",
        TableName=name,
        AttributeDefinitions=defined,
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )


async def _drop_index(page: Page, name: str) -> None:
    index = page.field("index")
    await page.dynamodb("UpdateTable", TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}])


async def _tag(page: Page, name: str) -> None:
    arn = (await described(page))["TableArn"]
    await page.dynamodb("TagResource", ResourceArn=arn, Tags=[{"Key": page.field("key"), "Value": page.field("value")}])


async def _untag(page: Page, name: str) -> None:
    arn = (await described(page))["TableArn"]
    await page.dynamodb("UntagResource", ResourceArn=arn, TagKeys=[page.field("key")])


async def delete(page: Page) -> Response:
    """Nothing is deleted by one click: the name has to be typed."""
    name = page.path("table")
    if page.field("typed") != name:
        raise Fault("NotConfirmed", "The table was not deleted: what was typed is not its name.")
    await page.dynamodb("DeleteTable", TableName=name)
    return page.go("/", f"{name} is being deleted.")


SHOWN = {"/": show_tables, "/new-table": show_new, "/tables/{table}": show_table}
DONE = {"/new-table": create, "/tables/{table}/change": change, "/tables/{table}/delete": delete}
