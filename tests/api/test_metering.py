"""What tables' taps count is what requests are told that they consumed."""

from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.series import (
    EVENTUAL,
    READ_UNITS,
    STANDARD,
    STRONG,
    TABLE,
    WRITE_UNITS,
    Figures,
    Series,
    Statistic,
    Subject,
    add_figures,
)

ITEM = {"p": {"S": "a"}, "v": {"S": "x" * 5000}}
KEY = {"p": {"S": "a"}}
SMALL = {"p": {"S": "b"}, "v": {"S": "x"}}


def subject_of(api: Api, name: str = "things") -> Subject:
    described = api("DescribeTable", TableName=name)["Table"]
    return Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, name, described["TableId"])


def figures(api: Api, name: str = "things") -> Figures:
    """All that the ledger has of a table."""

    async def read() -> Figures:
        await api.store.flushing.flush()
        return await api.store.ledger.total(subject)

    subject = subject_of(api, name)
    found: Figures = api.run(read())
    return _units(found)


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
