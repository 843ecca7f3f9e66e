"""Which of several faults is told: the filter's values and operators, those of the start key, the names that are
wanted, then the key conditions, all before the table is looked up; what needs its schema after that."""

from typing import Any

import pytest
from tests.api.test_tables import request
from tests.in_process import Api

BAD = {"ComparisonOperator": "EQ", "AttributeValueList": []}
EQUAL = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}
FILTER = "Invalid number of argument(s) for the EQ ComparisonOperator"
START = "The provided starting key is invalid: "
NAMES = "Duplicate value in attribute name: a"

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "filter": ({"{}Filter": {"x": BAD}}, FILTER),
    "start": ({"ExclusiveStartKey": {"p": {}}}, START),
    "names": ({"AttributesToGet": ["a", "a"]}, NAMES),
}


def faulty(operation: str, *kinds: str) -> dict[str, Any]:
    members = {name: value for kind in kinds for name, value in FAULTS[kind][0].items()}
    return {name.format(operation): value for name, value in members.items()}


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_faults_of_legacy_parameters_in_their_order(api: Api, operation: str, exists: bool) -> None:
    if exists:
        api("CreateTable", **request())
    last = {"KeyConditions": {"p": BAD}} if operation == "Query" else {"Segment": 1}
    told = FILTER if operation == "Query" else "The TotalSegments parameter is required"
    kinds = list(FAULTS)
    for first, kind in enumerate(kinds):
        body = faulty(operation, *kinds[first:])
        assert FAULTS[kind][1] in api.refused(operation, TableName="abc", **body, **last).message
    assert told in api.refused(operation, TableName="abc", **last).message


def test_a_query_without_conditions_hears_of_its_filter_first(api: Api) -> None:
    assert FILTER in api.refused("Query", TableName="abc", **faulty("Query", "filter")).message
    assert "Either the KeyConditions or KeyConditionExpression" in api.refused("Query", TableName="abc").message


def test_what_needs_the_schema_is_told_behind_the_table(api: Api) -> None:
    body = {"TableName": "abc", "KeyConditions": {"p": EQUAL}, "QueryFilter": {"p": EQUAL}, "ExclusiveStartKey": {}}
    assert api.refused("Query", **body).code == "ResourceNotFoundException"
    api("CreateTable", **request())
    assert api.refused("Query", **body).message == "The provided starting key is invalid"
    del body["ExclusiveStartKey"]
    assert "can only contain non-primary key attributes" in api.refused("Query", **body).message
