"""The resources that policies know demands by."""

import pytest
from tests.in_process import PRINCIPAL

from statordb.commands.demands import (
    AccountDemand,
    Demand,
    Enclosed,
    StreamDemand,
    TableDemand,
    resource,
)
from statordb.commands.gate import OneDatabase, OwnAccount
from statordb.commands.reading import Range
from statordb.commands.selection import Choice
from statordb.model.errors import ClientError

OWN = "arn:aws:dynamodb:us-east-1:000000000000:"
OTHERS = "arn:aws:dynamodb:eu-west-1:111111111111:"
INDEX = Range("abc", "idx", (), Choice(), None, True, False, None)
OTHERS_INDEX = INDEX._replace(table=OTHERS + "table/abc")


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (TableDemand("dynamodb:DescribeTable", "abc"), OWN + "table/abc"),
        (TableDemand("dynamodb:DescribeTable", OTHERS + "table/abc"), OTHERS + "table/abc"),
        (INDEX, OWN + "table/abc/index/idx"),
        (OTHERS_INDEX, OTHERS + "table/abc/index/idx"),
        (Enclosed("TransactWriteItems", TableDemand("dynamodb:PutItem", "abc")), OWN + "table/abc"),
        (StreamDemand("dynamodb:GetRecords", OWN + "table/abc/stream/label"), OWN + "table/abc/stream/label"),
        (AccountDemand("dynamodb:ListTables"), "*"),
        (AccountDemand("dynamodb:ListStreams", "table/*/stream/*"), OWN + "table/*/stream/*"),
    ],
)
def test_a_resource_is_an_arn_or_a_pattern(demand: Demand, expected: str) -> None:
    assert resource(PRINCIPAL, demand) == expected


@pytest.mark.parametrize(
    ("demand", "what"),
    [
        (TableDemand("dynamodb:BatchWriteItem", OTHERS + "table/abc"), "table/abc"),
        (StreamDemand("dynamodb:GetRecords", OTHERS + "table/abc/stream/label"), "table/abc/stream/label"),
        (OTHERS_INDEX, "table/abc/index/idx"),
    ],
)
def test_another_accounts_resources_are_refused_as_aws_words_it(demand: Demand, what: str) -> None:
    with pytest.raises(ClientError) as caught:
        OwnAccount().admit(PRINCIPAL, demand)
    assert caught.value.message == (
        f"User: {PRINCIPAL.arn} is not authorized to perform: {demand.action} on resource: {OTHERS}{what} "
        f"because no resource-based policy allows the {demand.action} action"
    )


def test_of_a_table_itself_no_more_is_told() -> None:
    with pytest.raises(ClientError) as caught:
        OwnAccount().admit(PRINCIPAL, TableDemand("dynamodb:DescribeTable", OTHERS + "table/abc"))
    assert caught.value.message == "Access is denied"


@pytest.mark.parametrize(
    "demand",
    [
        TableDemand("dynamodb:DescribeTable", "arn:aws:s3:us-east-1:111111111111:table/abc"),
        TableDemand("dynamodb:DescribeTable", OWN + "table/abc"),
        AccountDemand("dynamodb:ListTables"),
    ],
)
def test_the_gate_without_policies_lets_pass_what_it_can_not_name(demand: Demand) -> None:
    """What is no ARN of a table is told where it is taken apart."""
    OwnAccount().admit(PRINCIPAL, demand)


def test_in_one_database_every_account_and_region_is_the_same() -> None:
    """Tools make up ARNs of the region that they were told."""
    gate = OneDatabase()
    gate.admit(PRINCIPAL, TableDemand("dynamodb:DescribeTable", OTHERS + "table/abc"))
    assert gate.place(PRINCIPAL, "111111111111", "local-env") == (PRINCIPAL.account, PRINCIPAL.region)
    assert OwnAccount().place(PRINCIPAL, "111111111111", "local-env") == ("111111111111", "local-env")
