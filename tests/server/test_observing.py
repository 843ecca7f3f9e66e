"""What is counted of answered requests, by table and account."""

from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.metrics import ACCOUNTS, TABLES
from statordb.metering.series import BYTES_OUT, Figures, Series, add_figures
from statordb.model.request import Reply, Request
from statordb.server.observing import Observing

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
}
KEY = {"p": {"S": "a"}}


class Observed:
    """An API whose answers are observed, each as if it had taken 2 ms."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.count = 0
        self.observing = Observing(self._counted, api.store)
        for name in ("one", "two"):
            api("CreateTable", TableName=name, **TABLE)
            api("GetItem", TableName=name, Key=KEY)  # from then on the process knows it

    def _counted(self, *_: Any) -> None:
        self.count += 1

    def __call__(self, operation: str, **given: Any) -> Reply:
        async def answer() -> Reply:
            request = Request(operation, orjson.dumps(given), PRINCIPAL, "an-id")
            reply = self.api.dispatcher.handle(request)
            told = reply if isinstance(reply, Reply) else await reply
            self.observing.observe(request, told, 0.002)
            return told

        return self.api.run(answer())  # type: ignore[no-any-return]

    def observe(self, operation: str, named: Any, error: str | None, status: int = 400, body: bytes = b"{}") -> None:
        request = Request(operation, b"", PRINCIPAL, "an-id")
        request.asked = named if named is None else asked(named)
        self.observing.observe(request, Reply(status, body, error), 0.002)

    def found(self, name: str) -> dict[tuple[str, str], tuple[int, float]]:
        """Count and sum by metric and operation, of a table; of the account where that is ""."""
        figures: Figures = {}
        taps = self.api.store.taps
        taps.turn()
        while (taken := taps.take()) is not None:
            if taken.subject.name == name:
                add_figures(figures, taken.figures)
        return {
            (series.metric, series.operation): (each.count, each.sum)
            for series, each in figures.items()
            if series.metric in {**TABLES, **ACCOUNTS} and not series.metric.startswith("Consumed")
        }


def asked(named: Any) -> Any:
    """A document that names tables so."""
    if isinstance(named, list):
        return {"TransactItems": named}
    return {"RequestItems": named} if isinstance(named, dict) else {"TableName": named}


@pytest.fixture
def observed(api: Api) -> Observed:
    return Observed(api)


def test_how_long_requests_took(observed: Observed) -> None:
    for _ in range(3):
        observed("GetItem", TableName="one", Key=KEY)
    observed("PutItem", TableName="arn:aws:dynamodb:us-east-1:000000000000:table/one", Item=KEY)
    observed("BatchGetItem", RequestItems={"one": {"Keys": [KEY]}, "two": {"Keys": [KEY]}})
    observed("TransactWriteItems", TransactItems=[{"Put": {"TableName": "one", "Item": KEY}}])
    observed("DescribeTable", TableName="one")
    assert observed.found("one") == {
        ("SuccessfulRequestLatency", "GetItem"): (3, pytest.approx(6.0)),
        ("SuccessfulRequestLatency", "PutItem"): (1, pytest.approx(2.0)),
        ("SuccessfulRequestLatency", "BatchGetItem"): (1, pytest.approx(2.0)),
        ("SuccessfulRequestLatency", "TransactWriteItems"): (1, pytest.approx(2.0)),
    }
    assert observed.count == 7


def test_how_many_items_were_returned(observed: Observed) -> None:
    for key in "abc":
        observed("PutItem", TableName="one", Item={"p": {"S": key}})
    values = {":p": {"S": "a"}}
    observed("Query", TableName="one", KeyConditionExpression="p = :p", ExpressionAttributeValues=values)
    observed("Query", TableName="one", KeyConditionExpression="p = :p", ExpressionAttributeValues=values, Limit=1)
    observed("Scan", TableName="one")
    found = observed.found("one")
    assert found["ReturnedItemCount", "Query"] == (2, 2.0)
    assert found["ReturnedItemCount", "Scan"] == (1, 3.0)


def test_failed_conditions_are_no_user_errors(observed: Observed) -> None:
    reply = observed("PutItem", TableName="one", Item=KEY, ConditionExpression="attribute_exists(p)")
    assert reply.error == "ConditionalCheckFailedException"
    assert observed.found("one") == {("ConditionalCheckFailedRequests", ""): (1, 1.0)}
    observed("GetItem", TableName="none", Key=KEY)
    observed("GetItem", TableName="one")
    observed("ListTables", Limit=-1)
    assert observed.found("") == {("UserErrors", ""): (3, 3.0)}


def test_errors_of_the_server_and_throttles_are_the_tables(observed: Observed) -> None:
    observed.observe("GetItem", "one", "InternalServerError", 500)
    observed.observe("Query", "one", "ThrottlingException")
    observed.observe("Query", "none", "ThrottlingException")
    assert observed.found("one") == {("SystemErrors", "GetItem"): (1, 1.0), ("ThrottledRequests", "Query"): (1, 1.0)}


def test_a_conflict_counts_for_each_item(observed: Observed) -> None:
    items = [{"Put": {"TableName": name, "Item": KEY}} for name in ("one", "one", "two")]
    codes = ("TransactionConflict", "None", "TransactionConflict")
    body = orjson.dumps({"CancellationReasons": [{"Code": code} for code in codes]})
    observed.observe("TransactWriteItems", items, "TransactionCanceledException", 400, body)
    observed.observe("PutItem", "one", "TransactionConflictException")
    assert observed.found("one") == {("TransactionConflict", ""): (2, 2.0)}


@pytest.mark.parametrize("named", [1, [1], [{"Put": 1}], {"none": 1}, [{"Put": {"TableName": 1}}], "arn:x", True])
def test_whatever_names_tables_does_no_harm(observed: Observed, named: Any) -> None:
    observed.observe("GetItem", named, "ValidationException")
    observed.observe("GetItem", named, None, 200)
    assert observed.found("one") == {}


def test_other_apis_are_not_dynamodbs(observed: Observed) -> None:
    observed.observe("CreateKey", None, "ValidationException")
    assert observed.found("") == {}


def test_bytes_of_answers_are_their_tables_or_else_the_accounts(api: Api) -> None:
    observed = Observed(api)
    lengths = [len(observed("GetItem", TableName="one", Key=KEY).body) for _ in range(3)]
    listed = len(observed("ListTables").body)
    both = {"one": {"Keys": [KEY]}, "two": {"Keys": [KEY]}}
    together = len(observed("BatchGetItem", RequestItems=both).body)
    missing = len(observed("GetItem", TableName="none", Key=KEY).body)
    observed.observe("-", None, "UnrecognizedClientException")  # nobody's
    assert sum_of(api, "one") == sum(lengths)
    assert sum_of(api, "") == listed + together + missing


def sum_of(api: Api, name: str) -> float:
    """Of the bytes of answers: what the ledger has."""

    async def read() -> float:
        await api.store.flushing.flush()
        ledger, total = api.store.ledger, 0.0
        async for each in ledger.subjects(PRINCIPAL.account, PRINCIPAL.region):
            if each.name == name:
                found = (await ledger.total(each.subject)).get(Series(BYTES_OUT))
                total += 0.0 if found is None else found.sum
        return total

    told: float = api.run(read())
    return told
