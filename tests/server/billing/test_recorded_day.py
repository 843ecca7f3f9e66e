"""A day of mixed requests is billed as an independent calculation has it, which reads them and the price sheet only."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.archive.backed_up import duties
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import PRINCIPAL, Api
from tests.server.billing.books import HOUR, Books, Item, Table, read_units, size

from statordb.metering.bill import PLACES, cents
from statordb.metering.month import Month
from statordb.metering.prices import BUNDLED, parse
from statordb.server.billing.making import make
from statordb.server.billing.query import Query
from statordb.server.billing.report import Report, document
from statordb.store.ledger.days import Days

SHEET = parse(BUNDLED.read_bytes())
MONTH = Month(2026, 11)
KEY_TYPES = ("HASH", "RANGE")


def item(p: str, c: str, filled: int = 10, **more: str) -> Item:
    texts = {"p": p, "c": c, **more}
    return {**{name: {"S": text} for name, text in texts.items()}, "v": {"S": "x" * filled}}


def key(p: str, c: str) -> Item:
    return {"p": {"S": p}, "c": {"S": c}}


class Day:
    """Makes requests, and has them booked by themselves."""

    def __init__(self, api: Api) -> None:
        self.api = api
        api.clock.advance(MONTH.begins + 9 * 24 * HOUR - api.clock.now())
        self.books = Books(MONTH.hours)
        self.sizes: dict[str, int] = {}
        self.backups = duties(api, MemoryBucket())
        self.told = Decimal(0)  # what answers said that they consumed

    @property
    def at(self) -> float:
        """Seconds since the month began."""
        return self.api.clock.now() - MONTH.begins

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        """A request, and then half a minute."""
        answer = self.api(operation, **request)
        told = answer.get("ConsumedCapacity", [])
        for each in told if isinstance(told, list) else [told]:
            self.told += Decimal(str(each["CapacityUnits"]))
        self.wait(30)
        return answer

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        return self(operation, ReturnConsumedCapacity="TOTAL", **request)

    def wait(self, seconds: float) -> None:
        """Time goes by, hour by hour; at the beginning of each the keeper looks around."""
        while seconds > 0:
            step = min(seconds, HOUR - self.at % HOUR)
            self.api.clock.advance(step)
            seconds -= step
            self.flush()
            if self.at % HOUR == 0:
                self.look()
        for name in self.books.tables:
            self.books.hold(name, self.at)

    def look(self) -> None:
        """The keeper deletes what has expired, and sees how large tables are, which then counts for an hour."""
        self.api.keep(turns=3)
        self.back_up()
        self.flush()
        self.books.keep_backups(HOUR)
        self.sizes = {name: table.stored() for name, table in self.books.tables.items()}
        for name, stored in self.sizes.items():
            self.books.store(name, stored, HOUR)
            self.books.hold(name, self.at)

    def back_up(self) -> None:
        """All that was asked for of backups is done, and what they take is counted."""
        for duty in self.backups:
            while self.api.run(duty.run_once()):
                pass

    def flush(self) -> None:
        """As a process does by itself every ten seconds."""
        self.api.run(self.api.store.flushing.gather())
        self.api.run(self.api.store.flushing.flush())

    def create(self, name: str, table: Table, **options: Any) -> None:
        attributes = [*table.keys, *table.indexes.values()]

        def units(resource: str) -> dict[str, Any]:
            if resource not in table.capacity:
                return {}
            read, write = table.capacity[resource]
            return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}

        indexes: dict[str, list[dict[str, Any]]] = {}
        for index, attribute in table.indexes.items():
            schema = _schema("p", attribute) if index in table.local else _schema(attribute)
            made = {"IndexName": index, "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            kind = "Local" if index in table.local else "Global"
            indexes.setdefault(f"{kind}SecondaryIndexes", []).append({**made, **units(index)})
        self.api(
            "CreateTable",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in attributes],
            KeySchema=_schema(*table.keys),
            BillingMode=table.mode,
            **indexes,
            **units(""),
            **options,
        )
        self.books.create(name, table, self.at)

    def put(self, name: str, new: Item) -> None:
        self.ask("PutItem", TableName=name, Item=new)
        self.books.write(name, new, new)

    def delete(self, name: str, of: Item) -> None:
        self.ask("DeleteItem", TableName=name, Key=of)
        self.books.write(name, of, None)

    def get(self, name: str, of: Item, consistent: bool = False) -> None:
        self.ask("GetItem", TableName=name, Key=of, ConsistentRead=consistent)
        self.books.read(name, self.found(name, of), consistent=consistent)

    def found(self, name: str, of: Item) -> Item | None:
        table = self.books.tables[name]
        return table.items.get(table.key(of))

    def items(self, name: str, p: str) -> list[Item]:
        return [each for each in self.books.tables[name].items.values() if each["p"]["S"] == p]

    def report(self, query: Query = Query(MONTH)) -> Report:  # noqa: B008  # a constant
        self.flush()
        found: Report = self.api.run(make(Days(self.api.store.ledger), query, SHEET, self.api.clock.now()))
        return found

    def close(self) -> None:
        """The day ends on the hour: what was booked of storage has gone by."""
        self.wait(HOUR - self.at % HOUR)
        for name in self.books.tables:
            self.books.store(name, self.sizes[name], -HOUR)  # the hour that begins now


def _schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": KEY_TYPES[at]} for at, name in enumerate(names)]


@pytest.mark.slow  # a day of thirty hours, in each of which the keeper looks around
def test_a_day_is_billed_to_the_cent(api: Api) -> None:
    day = Day(api)
    single_items(day)
    many_items(day)
    transactions(day)
    statements(day)
    streams_and_expiry(day)
    backups(day)
    modes_and_classes(day)
    provisioned(day)
    deleted(day)
    day.close()
    report = day.report()
    # Units, exactly: as the requests are, as their answers tell, and as they are billed.
    billed = {(line.table, line.usage_type): Decimal(0) for line in report.bill.lines}
    for line in report.bill.lines:
        billed[line.table, line.usage_type.removeprefix("USE1-")] = (
            billed.get((line.table, line.usage_type.removeprefix("USE1-")), Decimal(0)) + line.quantity
        )
    expected = {each: quantity.quantize(PLACES) for each, quantity in day.books.quantities().items()}
    assert {each: quantity for each, quantity in billed.items() if quantity} == expected
    assert {("orders", "TimedBackupStorage-ByteHrs"), ("again", "RestoreDataSize-Bytes")} <= expected.keys()
    assert day.told == day.books.consumed
    assert cents(report.bill.total) == cents(day.books.total(BUNDLED.read_bytes(), PRINCIPAL.region))
    assert document(report)["total_usd"] > 0.05
    # A minute more or less of a class, or a unit-hour, would be seen.
    assert abs(report.bill.total - day.books.total(BUNDLED.read_bytes(), PRINCIPAL.region)) < Decimal("1e-8")


def single_items(day: Day) -> None:
    day.create(
        "orders", Table(("p", "c"), {"by_g": "g", "by_l": "l"}, local=frozenset({"by_l"})), StreamSpecification=STREAM
    )
    day.look()
    for number in range(5):
        day.put("orders", item("a", str(number), 200 + number * 700))
    day.put("orders", item("a", "1", 100, g="x"))  # an entry comes
    day.put("orders", item("a", "1", 5000, g="y"))  # and moves
    day.put("orders", item("a", "3", 400, l="k", g="k"))  # into both indexes
    day.put("orders", item("a", "2", 10))  # replaces a larger one
    new = {**item("a", "0", 200), "w": {"S": "new"}}
    values = {":w": {"S": "new"}}
    day.ask(
        "UpdateItem", TableName="orders", Key=key("a", "0"), UpdateExpression="SET w = :w",
        ExpressionAttributeValues=values,
    )  # fmt: skip
    day.books.write("orders", new, new)
    day.delete("orders", key("a", "4"))
    day.delete("orders", key("a", "none"))
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        day.api(
            "PutItem", TableName="orders", Item=item("a", "0", 5), ConditionExpression="attribute_not_exists(p)"
        )  # fmt: skip
    day.books.request("orders", "Write", 1)
    day.told += 1  # errors tell nothing of capacity
    for consistent in (False, True):
        day.get("orders", key("a", "1"), consistent)
        day.get("orders", key("a", "none"), consistent)


def many_items(day: Day) -> None:
    batch = [item("b", str(number), 300 * number, g="z") for number in range(4)]
    day.ask("BatchWriteItem", RequestItems={"orders": [{"PutRequest": {"Item": each}} for each in batch]})
    for each in batch:
        day.books.write("orders", each, each)
    keys = [key("b", "0"), key("b", "3"), key("b", "none")]
    day.ask("BatchGetItem", RequestItems={"orders": {"Keys": keys}})
    day.books.request("orders", "Read", sum(read_units(_size(day, each)) for each in keys))
    query = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    day.ask("Query", TableName="orders", ConsistentRead=True, **query)
    day.books.read("orders", *day.items("orders", "a"), consistent=True)
    of_index = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "z"}}}
    day.ask("Query", TableName="orders", IndexName="by_g", **of_index)
    table = day.books.tables["orders"]
    day.books.read("orders", *(table.entry(each, "by_g") for each in batch))
    of_local = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    day.ask("Query", TableName="orders", IndexName="by_l", **of_local)
    day.books.read("orders", *(table.entry(each, "by_l") for each in day.items("orders", "a")))
    day.create("few", Table(("p", "c")))
    day.put("few", item("a", "1"))
    day.ask("Scan", TableName="few")
    day.books.request("few", "Read", Decimal(2))  # half a unit for each of the partitions that a table begins with


def _size(day: Day, of: Item) -> int:
    return size(day.found("orders", of))


def transactions(day: Day) -> None:
    put, gone, checked = item("t", "1", 1500, g="q"), key("b", "0"), key("b", "1")
    day.ask(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "orders", "Item": put}},
            {"Delete": {"TableName": "orders", "Key": gone}},
            {"ConditionCheck": {"TableName": "orders", "Key": checked, "ConditionExpression": "attribute_exists(p)"}},
        ],
    )
    day.books.write("orders", put, put, factor=2)
    day.books.write("orders", gone, None, factor=2)
    day.books.request("orders", "Write", 2)
    gets = [{"Get": {"TableName": "orders", "Key": each}} for each in (key("t", "1"), key("a", "1"))]
    day.ask("TransactGetItems", TransactItems=gets)
    for each in (key("t", "1"), key("a", "1")):
        day.books.read("orders", day.found("orders", each), consistent=True, factor=2)


def statements(day: Day) -> None:
    select = "SELECT * FROM orders WHERE p = 'a' AND c = '1'"
    day.ask("ExecuteStatement", Statement=select)
    day.books.read("orders", day.found("orders", key("a", "1")))
    day.ask("ExecuteStatement", Statement="INSERT INTO orders VALUE {'p': 's', 'c': '1', 'v': 'x'}")
    made = item("s", "1", 1)
    day.books.write("orders", made, made)
    other = "SELECT * FROM orders WHERE p = 'a' AND c = '3'"
    day.ask("BatchExecuteStatement", Statements=[{"Statement": select}, {"Statement": other}])
    for c in "13":
        day.books.read("orders", day.found("orders", key("a", c)))
    day.ask(
        "ExecuteTransaction",
        TransactStatements=[{"Statement": "INSERT INTO orders VALUE {'p': 's', 'c': '2', 'v': 'x'}"}],
    )
    made = item("s", "2", 1)
    day.books.write("orders", made, made, factor=2)


STREAM = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}


def streams_and_expiry(day: Day) -> None:
    arn = day.api("DescribeTable", TableName="orders")["Table"]["LatestStreamArn"]
    (shard,) = day.api("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = day.api(
        "GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]  # fmt: skip
    for _ in range(3):
        iterator = day("GetRecords", ShardIterator=iterator)["NextShardIterator"]
        day.books.used["orders", "Streams-Requests"] += 1
    day.api(
        "UpdateTimeToLive", TableName="orders", TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True}
    )  # fmt: skip
    ends = {**item("e", "1", 3000, g="x"), "ends": {"N": str(int(day.api.clock.now()) + 61)}}
    day.put("orders", ends)
    del day.books.tables["orders"].items["e", "1"]  # free of charge, before anybody looks at the size again
    day.wait(2 * HOUR)
    assert "Item" not in day.api("GetItem", TableName="orders", Key=key("e", "1"))
    day.books.read("orders", None)
    day.told += Decimal("0.5")


def backups(day: Day) -> None:
    """One is made on the hour, and restored at once; then its table goes on without it."""
    day.wait(HOUR - day.at % HOUR)
    arn = day.api("CreateBackup", TableName="orders", BackupName="hourly")["BackupDetails"]["BackupArn"]
    orders = day.books.tables["orders"]
    day.books.back_up("orders")
    day.back_up()
    day.api("RestoreTableFromBackup", TargetTableName="again", BackupArn=arn)
    day.back_up()
    assert day.api("DescribeTable", TableName="again")["Table"]["TableStatus"] == "ACTIVE"
    again = replace(orders, items=dict(orders.items))
    day.books.create("again", again, day.at)
    day.books.restore("again")
    day.api.keep(turns=3)
    day.flush()
    day.sizes["again"] = again.stored()
    day.books.store("again", again.stored(), HOUR)
    day.put("again", item("a", "1", 3000, g="z"))
    day.get("again", key("a", "1"))


def modes_and_classes(day: Day) -> None:
    """From the middle of a minute on everything is of the other class, and then of the other mode."""
    table = day.books.tables["orders"]
    day.wait(HOUR - day.at % HOUR - 45)
    day.put("orders", item("m", "1", 2000))
    day.wait(15 - 0.0)
    day("UpdateTable", TableName="orders", TableClass="STANDARD_INFREQUENT_ACCESS")
    _split_storage(day, "orders", "IA-")
    day.put("orders", item("m", "2", 2000))
    day.get("orders", key("m", "2"))
    day.wait(HOUR)
    day.api(
        "UpdateTable",
        TableName="orders",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 40, "WriteCapacityUnits": 30},
        GlobalSecondaryIndexUpdates=[
            {
                "Update": {
                    "IndexName": "by_g",
                    "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 6},
                }
            }
        ],
    )
    table.mode, table.capacity = "PROVISIONED", {"": (40, 30), "by_g": (7, 6)}
    day.books.hold("orders", day.at)
    day.put("orders", item("m", "3", 2000))
    day.get("orders", key("m", "3"))
    day.wait(2 * HOUR)
    day.api("UpdateTable", TableName="orders", BillingMode="PAY_PER_REQUEST")
    table.mode, table.capacity = "PAY_PER_REQUEST", {}
    day.put("orders", item("m", "4", 2000))


def _split_storage(day: Day, name: str, prefix: str) -> None:
    """The rest of this hour is stored in the other class. The update took half a minute of it."""
    table = day.books.tables[name]
    left = HOUR - (day.at - 30) % HOUR
    day.books.store(name, day.sizes[name], -left)
    table.prefix = prefix
    day.books.store(name, day.sizes[name], left)


def provisioned(day: Day) -> None:
    """Twice in an hour it has another capacity: the most of it counts, and only that."""
    day.wait(HOUR - day.at % HOUR)
    table = Table(("p", "c"), {}, "PROVISIONED", capacity={"": (800, 900)})
    day.create("carts", table)
    day.wait(HOUR + 60)
    for read, write in ((900, 950), (300, 970)):
        units = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
        day.api("UpdateTable", TableName="carts", ProvisionedThroughput=units)
        table.capacity = {"": (read, write)}
        day.books.hold("carts", day.at)
        day.put("carts", item("a", str(read), 3000))
        day.wait(600)
    day.wait(20 * HOUR)


def deleted(day: Day) -> None:
    """The hour in which it goes counts; what it stored counts up to then."""
    day.wait(HOUR - day.at % HOUR + 900)
    day.books.store("carts", day.sizes["carts"], -(HOUR - 900))
    day.api("DeleteTable", TableName="carts")
    del day.books.tables["carts"]


def test_what_was_used_before_the_month_is_not_in_its_bill(api: Api) -> None:
    day = Day(api)
    day.create("orders", Table(("p", "c")))
    day.put("orders", item("a", "1"))
    assert [line.usage_type for line in day.report().bill.lines] == ["WriteRequestUnits"]
    api.clock.advance(30 * 24 * HOUR)
    assert day.report(Query(Month(2026, 12))).bill.lines == ()


@pytest.mark.parametrize("month", [Month(2026, 10), Month(2020, 1)])
def test_a_month_without_anything(api: Api, month: Month) -> None:
    assert Day(api).report(Query(month)).bill.lines == ()


def test_a_bill_outlives_the_process(api: Api, tmp_path: Path) -> None:
    day = Day(api)
    day.create("orders", Table(("p", "c"), {}, "PROVISIONED", capacity={"": (5, 5)}))
    day.put("orders", item("a", "1"))
    before = day.report().bill
    api.restart()
    assert day.report().bill == before


def test_the_same_requests_are_compared_in_both_modes(api: Api) -> None:
    day = Day(api)
    day.create("orders", Table(("p", "c"), {"by_g": "g"}))
    for number in range(3):
        day.put("orders", item("a", str(number), 1500, g="x"))
    report = day.report(Query(MONTH, compare=True))
    (compared,) = report.comparison or ()
    assert compared.on_demand == 9 * Decimal("0.625") / 10**6
    assert compared.provisioned == 2 * Decimal("0.00013") + 2 * Decimal("0.00065")  # the table, and its index
    assert compared.cheaper == "PAY_PER_REQUEST"
    assert (compared.throttled_reads, compared.throttled_writes) == (0, 0)
