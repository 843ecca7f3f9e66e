"""Every operation on items asks the gate first, with all its demands, the short ways too."""

from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api

from statordb.api.dispatch import Dispatcher
from statordb.commands.gate import Demand, Named, OwnAccount
from statordb.model import errors
from statordb.model.request import Principal, Request

KEY = {"p": {"S": "a"}}
VALUES = {"ExpressionAttributeValues": {":p": {"S": "a"}}}
CREATE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def requests(name: str) -> dict[str, tuple[str, dict[str, Any], list[str]]]:
    """A request of each kind to the table of a name: operation, body, the actions that it demands."""
    at = {"TableName": name}
    update = {"UpdateExpression": "SET n = :p", **VALUES}
    transaction = [
        {"Put": {**at, "Item": KEY}},
        {"Update": {**at, "Key": {"p": {"S": "b"}}, **update}},
        {"Delete": {**at, "Key": {"p": {"S": "c"}}}},
        {"ConditionCheck": {**at, "Key": {"p": {"S": "d"}}, "ConditionExpression": "attribute_not_exists(p)"}},
    ]
    writes = [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": {"p": {"S": "b"}}}}]
    query = {**at, "KeyConditionExpression": "p = :p", **VALUES}
    return {
        "get": ("GetItem", {**at, "Key": KEY}, ["GetItem"]),
        "projected get": ("GetItem", {**at, "Key": KEY, "ProjectionExpression": "p"}, ["GetItem"]),
        "put": ("PutItem", {**at, "Item": KEY}, ["PutItem"]),
        "update": ("UpdateItem", {**at, "Key": KEY, **update}, ["UpdateItem"]),
        "delete": ("DeleteItem", {**at, "Key": KEY}, ["DeleteItem"]),
        "query": ("Query", query, ["Query"]),
        "counting query": ("Query", {**query, "Select": "COUNT"}, ["Query"]),
        "scan": ("Scan", at, ["Scan"]),
        "batch get": ("BatchGetItem", {"RequestItems": {name: {"Keys": [KEY]}}}, ["BatchGetItem"]),
        "batch write": ("BatchWriteItem", {"RequestItems": {name: writes}}, ["BatchWriteItem"]),
        "transact get": ("TransactGetItems", {"TransactItems": [{"Get": {**at, "Key": KEY}}]}, ["GetItem"]),
        "transact write": (
            "TransactWriteItems",
            {"TransactItems": transaction},
            ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"],
        ),
    }


KINDS = sorted(requests("abc"))


class Noting:
    """Lets everything pass, or nothing; keeps what was demanded."""

    def __init__(self, lets: bool) -> None:
        self.lets = lets
        self.demands: list[tuple[str, str, str | None]] = []

    def admit(self, principal: Principal, demand: Demand) -> None:
        self.demands.append((demand.action, demand.table, demand.index_name))
        if not self.lets:
            raise errors.access_denied("not you")


def ask(api: Api, gate: Noting, operation: str, body: dict[str, Any]) -> str | None:
    dispatcher = Dispatcher(api.store, SHAPES, lambda _, fault: api.faults.append(fault), gate=gate)

    async def handle() -> Any:
        reply = dispatcher.handle(Request(operation, orjson.dumps(body), PRINCIPAL, "id"))
        return reply if isinstance(reply, tuple) else await reply

    error: str | None = api.run(handle()).error
    assert not api.faults
    return error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", [True, False])
def test_each_states_its_demands(api: Api, kind: str, known: bool) -> None:
    """Also where the table is known already, and the short ways are taken."""
    api("CreateTable", **CREATE)
    if known:
        api("GetItem", TableName="abc", Key=KEY)
    operation, body, actions = requests("abc")[kind]
    gate = Noting(lets=True)
    assert ask(api, gate, operation, body) is None
    assert gate.demands == [(f"dynamodb:{action}", "abc", None) for action in actions]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["abc", "none"])
def test_who_may_not_is_told_no_more_than_that(api: Api, kind: str, name: str) -> None:
    """Not even whether the table is there."""
    api("CreateTable", **CREATE)
    api("GetItem", TableName="abc", Key=KEY)
    operation, body, _ = requests(name)[kind]
    assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"
    assert api("Scan", TableName="abc")["Items"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_arn_opens_no_other_accounts_table(api: Api, kind: str) -> None:
    other = Principal("111111111111", "other", "us-east-1", "arn:aws:iam::111111111111:root")
    arn = api("CreateTable", other, **CREATE)["TableDescription"]["TableArn"]
    operation, body, _ = requests(arn)[kind]
    assert api.refused(operation, **body).code == "AccessDeniedException"
    assert api("Scan", other, TableName="abc")["Items"] == []


def test_a_range_of_an_index_demands_the_index(api: Api) -> None:
    api("CreateTable", **CREATE)
    gate = Noting(lets=True)
    body = {"TableName": "abc", "IndexName": "idx", "KeyConditionExpression": "p = :p", **VALUES}
    assert ask(api, gate, "Query", body) == "ValidationException"  # there is none, which is told behind the gate
    assert gate.demands == [("dynamodb:Query", "abc", "idx")]


def test_the_gate_without_policies_lets_pass_what_it_can_not_name() -> None:
    """What is no ARN of a table is told where it is taken apart."""
    OwnAccount().admit(PRINCIPAL, Named("arn:aws:s3:us-east-1:111111111111:table/abc"))
    OwnAccount().admit(PRINCIPAL, Named("arn:aws:dynamodb:us-east-1:000000000000:table/abc"))
    with pytest.raises(errors.ClientError):
        OwnAccount().admit(PRINCIPAL, Named("arn:aws:dynamodb:us-east-1:111111111111:table/abc"))
