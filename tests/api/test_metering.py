"""What tables' taps count is what requests are told that they consumed."""

import contextlib
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.commands import getting
from statordb.engine.contract import OutcomeUnknown
from statordb.metering.series import (
    EVENTUAL,
    EXPIRED_ITEMS,
    EXPIRY,
    PARTIQL,
    READ_UNITS,
    STANDARD,
    STREAM_READS,
    STRONG,
    TABLE,
    TRANSACTIONAL,
    WRITE_UNITS,
    Figures,
    Series,
    Statistic,
    Subject,
    add_figures,
)
from statordb.model.budget import Heavy, LaneBudget
from statordb.store.table import Table

ITEM = {"p": {"S": "a"}, "v": {"S": "x" * 5000}}
KEY = {"p": {"S": "a"}}
SMALL = {"p": {"S": "b"}, "v": {"S": "x"}}


def subject_of(api: Api, name: str = "things") -> Subject:
    described = api("DescribeTable", TableName=name)["Table"]
    return Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, name, described["TableId"])


def figures(api: Api, name: str = "things") -> Figures:
    """The units that the ledger has of a table."""
    return _units(everything(api, name))


def everything(api: Api, name: str = "things") -> Figures:
    """All that the ledger has of a table."""

    async def read() -> Figures:
        await api.store.flushing.flush()
        return await api.store.ledger.total(subject)

    subject = subject_of(api, name)
    found: Figures = api.run(read())
    return found


def _units(figures: Figures) -> Figures:
    """What ConsumedCapacity tells of."""
    return {series: each for series, each in figures.items() if series.metric in (READ_UNITS, WRITE_UNITS)}


class Used:
    """What was counted of a table since one looked last."""

    def __init__(self, api: Api, name: str = "things") -> None:
        self.api = api
        self.name = name

    def __call__(self) -> Figures:
        """Of what the ledger has not been given yet."""
        found: Figures = {}
        taps = self.api.store.taps
        taps.turn()
        while (taken := taps.take()) is not None:
            if taken.subject.name == self.name:
                add_figures(found, taken.figures)
        return _units(found)

    def units(self) -> dict[tuple[str, str], float]:
        """Sums by metric and kind."""
        return {(series.metric, series.kind): each.sum for series, each in self().items()}


@pytest.fixture
def used(api: Api) -> Used:
    api(
        "CreateTable", TableName="things", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )  # fmt: skip
    return Used(api)


def reads(kind: str, *values: float) -> Figures:
    return {Series(READ_UNITS, kind=kind): _of(values)}


def writes(*values: float, kind: str = STANDARD) -> Figures:
    return {Series(WRITE_UNITS, kind=kind): _of(values)}


def _of(values: tuple[float, ...]) -> Statistic:
    return Statistic(len(values), sum(values), min(values), max(values))


@pytest.mark.parametrize("further", [{}, {"ReturnConsumedCapacity": "TOTAL"}])
def test_single_items(api: Api, used: Used, further: dict[str, Any]) -> None:
    """By the short ways, and by the general ones."""
    api("PutItem", TableName="things", Item=ITEM, **further)
    api("PutItem", TableName="things", Item=SMALL, **further)
    assert used() == writes(5.0, 1.0)
    api("GetItem", TableName="things", Key=KEY, **further)
    api("GetItem", TableName="things", Key={"p": {"S": "b"}}, **further)
    api("GetItem", TableName="things", Key={"p": {"S": "none"}}, **further)
    assert used() == reads(EVENTUAL, 1.0, 0.5, 0.5)
    api("GetItem", TableName="things", Key=KEY, ConsistentRead=True, **further)
    assert used() == reads(STRONG, 2.0)
    update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    api("UpdateItem", TableName="things", Key=KEY, **update, **further)
    assert used() == writes(5.0)
    api("PutItem", TableName="things", Item={"p": {"S": "a"}}, **further)
    assert used() == writes(5.0), "the larger of the item before and after"
    api("DeleteItem", TableName="things", Key=KEY, **further)
    api("DeleteItem", TableName="things", Key=KEY, **further)
    assert used() == writes(1.0, 1.0)


@pytest.mark.parametrize("further", [{}, {"ReturnConsumedCapacity": "TOTAL"}])
def test_conditions_that_do_not_hold_are_charged_by_the_item_that_stands_there(
    api: Api, used: Used, further: dict[str, Any]
) -> None:
    api("PutItem", TableName="things", Item=ITEM)
    used()
    never = {"ConditionExpression": "attribute_not_exists(p)"}
    api.refused("PutItem", TableName="things", Item={"p": {"S": "a"}}, **never, **further)
    api.refused("DeleteItem", TableName="things", Key=KEY, **never, **further)
    update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    api.refused("UpdateItem", TableName="things", Key=KEY, **update, **never, **further)
    assert used() == writes(5.0, 5.0, 5.0)
    there = {"ConditionExpression": "attribute_exists(p)"}
    api.refused("PutItem", TableName="things", Item={**ITEM, "p": {"S": "none"}}, **there, **further)
    assert used() == writes(5.0), "what was sent is larger than what is there"


@pytest.mark.parametrize("further", [{}, {"ReturnConsumedCapacity": "TOTAL"}])
def test_pages(api: Api, used: Used, further: dict[str, Any]) -> None:
    for item in (ITEM, SMALL):
        api("PutItem", TableName="things", Item=item)
    used()
    query = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    api("Query", TableName="things", **query, **further)
    assert used() == reads(EVENTUAL, 1.0)
    api("Query", TableName="things", **query, ConsistentRead=True, **further)
    assert used() == reads(STRONG, 2.0)
    query["ExpressionAttributeValues"] = {":p": {"S": "b"}}
    api("Query", TableName="things", **query, **further)
    query["ExpressionAttributeValues"] = {":p": {"S": "none"}}
    api("Query", TableName="things", **query, **further)
    assert used() == reads(EVENTUAL, 0.5, 0.5)
    told = api("Scan", TableName="things", ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert used() == reads(EVENTUAL, told["CapacityUnits"])


def test_a_table_that_is_made_again_under_its_name_has_figures_of_its_own(api: Api, used: Used) -> None:
    api("PutItem", TableName="things", Item=SMALL)
    first = subject_of(api)
    api("DeleteTable", TableName="things")
    api(
        "CreateTable", TableName="things", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )  # fmt: skip
    api("PutItem", TableName="things", Item=ITEM)
    assert figures(api) == writes(5.0)
    assert _units(api.run(api.store.ledger.total(first))) == writes(1.0)


def test_figures_outlive_the_process_that_ends(api: Api, used: Used) -> None:
    api("PutItem", TableName="things", Item=SMALL)
    api.restart()
    api("PutItem", TableName="things", Item=ITEM)
    assert figures(api) == writes(1.0, 5.0)


def test_a_change_of_the_catalog_loses_no_figures(api: Api, used: Used) -> None:
    """Tables are made anew with each; the tap is the same."""
    api("PutItem", TableName="things", Item=SMALL)
    api(
        "TagResource",
        ResourceArn=api("DescribeTable", TableName="things")["Table"]["TableArn"],
        Tags=[{"Key": "k", "Value": "v"}],
    )
    api("UpdateTable", TableName="things", DeletionProtectionEnabled=True)
    api("PutItem", TableName="things", Item=SMALL)
    assert used() == writes(1.0, 1.0)


def test_what_a_condition_cancels_is_charged_with_all_that_was_prepared(api: Api, used: Used) -> None:
    api("PutItem", TableName="things", Item=ITEM)
    used()
    never = {"ConditionExpression": "attribute_not_exists(p)"}
    parts = [
        {"Put": {"TableName": "things", "Item": {"p": {"S": "a"}}, **never}},
        {"Put": {"TableName": "things", "Item": {**ITEM, "p": {"S": "c"}}}},
        {"Delete": {"TableName": "things", "Key": {"p": {"S": "none"}}}},
    ]
    api.refused("TransactWriteItems", TransactItems=parts)
    assert used() == writes(2 * (5 + 5 + 1), kind=TRANSACTIONAL)


def test_a_transaction_that_is_sent_again_reads(api: Api, used: Used) -> None:
    again = {"TransactItems": [{"Put": {"TableName": "things", "Item": ITEM}}], "ClientRequestToken": "t"}
    api("TransactWriteItems", **again)
    assert used() == writes(10.0, kind=TRANSACTIONAL)
    api("TransactWriteItems", **again)
    assert used() == reads(TRANSACTIONAL, 4.0)


def test_what_is_refused_before_anything_is_looked_at_costs_nothing(api: Api, used: Used) -> None:
    api.refused("PutItem", TableName="things", Item={"v": {"S": "x"}})
    wrong = {"KeyConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
    api.refused("Query", TableName="things", **wrong)
    api.refused("TransactWriteItems", TransactItems=[{"Put": {"TableName": "things", "Item": {"v": {"S": "x"}}}}])
    assert used() == {}


def test_statements_are_told_apart(api: Api, used: Used) -> None:
    def execute(text: str) -> None:
        api("ExecuteStatement", Statement=text)

    insert = "INSERT INTO things VALUE {'p': 'a'}"
    for _ in range(2):  # the second time it is known, and takes the short way
        execute(insert)
        api.refused("ExecuteStatement", Statement=insert)
        execute("SELECT * FROM things WHERE p = 'a'")
        execute("SELECT * FROM things WHERE p = 'none'")
        execute("DELETE FROM things WHERE p = 'a'")
        partiql = writes(1.0, 1.0, 1.0, kind=PARTIQL + STANDARD)
        assert used() == {**partiql, **reads(PARTIQL + EVENTUAL, 0.5, 0.5)}


def test_statements_of_a_batch_are_one_request_of_each_table(api: Api, used: Used) -> None:
    texts = ["INSERT INTO things VALUE {'p': 'a'}", "INSERT INTO things VALUE {'p': 'b'}"]
    batch = {"Statements": [{"Statement": text} for text in texts]}
    api("BatchExecuteStatement", **batch)
    assert used() == writes(2.0, kind=PARTIQL + STANDARD)
    api("BatchExecuteStatement", **batch)
    assert used() == writes(2.0, kind=PARTIQL + STANDARD), "what is there already was looked at"


def test_batches_are_one_request_of_each_table(api: Api, used: Used) -> None:
    puts = [{"PutRequest": {"Item": {"p": {"S": name}}}} for name in "abc"]
    api("BatchWriteItem", RequestItems={"things": puts})
    assert used() == writes(3.0)
    keys = [{"p": {"S": name}} for name in "abx"]
    api("BatchGetItem", RequestItems={"things": {"Keys": keys}})
    assert used() == reads(EVENTUAL, 1.5)


def test_a_batch_of_which_one_write_fails_counts_the_others(
    api: Api, used: Used, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Table.write

    async def failing(table: Table, key: Any, *arguments: Any, **named: Any) -> Any:
        if key.partition == b"a":
            raise OutcomeUnknown("the store is away")
        return await write(table, key, *arguments, **named)

    monkeypatch.setattr(Table, "write", failing)
    puts = [{"PutRequest": {"Item": {"p": {"S": name}}}} for name in "abc"]
    with pytest.raises(OutcomeUnknown):
        api("BatchWriteItem", RequestItems={"things": puts})
    assert used() == writes(2.0)


def test_what_expires_is_told_as_free(api: Api, used: Used) -> None:
    api(
        "UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True}
    )  # fmt: skip
    api.keep()
    api("PutItem", TableName="things", Item={**ITEM, "t": {"N": str(int(api.clock.now()) - 10)}})
    used()
    api.keep()
    found = everything(api)
    assert found[Series(WRITE_UNITS, kind=EXPIRY)] == Statistic(1, 5.0, 5.0, 5.0)
    assert found[Series(EXPIRED_ITEMS)] == Statistic(1, 1.0, 1.0, 1.0)


def test_reads_of_streams_are_counted_of_the_table(api: Api, used: Used) -> None:
    described = api(
        "UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )["TableDescription"]
    arn = described["LatestStreamArn"]
    (shard,) = api("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = api("GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    for _ in range(3):
        api("GetRecords", **iterator)
    assert everything(api)[Series(STREAM_READS, operation="GetRecords")].sum == 3


def test_what_begins_again_in_a_lane_is_counted_once(api: Api, used: Used, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that has read one table may find the next one too much for here."""
    for name in "ab":
        api("PutItem", TableName="things", Item={"p": {"S": name}})
    used()
    text, calls = getting._text, 0

    def heavy(*arguments: Any) -> bytes:
        nonlocal calls
        calls += 1
        if calls in (2, 3):  # once in the slice as it is, once in one of its own
            raise Heavy
        return text(*arguments)

    monkeypatch.setattr(getting, "_text", heavy)

    async def twice() -> None:
        for _ in range(2):
            context = api.dispatcher._last.of(None, LaneBudget(), {})
            wanted = [getting.Wanted("things", [{"p": {"S": name}}], None, False) for name in "ab"]
            with contextlib.suppress(Heavy):
                await getting.BatchGet(wanted).run(context)

    api("GetItem", TableName="things", Key=KEY)  # so that there is a principal
    used()
    calls = 0
    api.run(twice())
    assert used() == reads(EVENTUAL, 0.5, 0.5)
