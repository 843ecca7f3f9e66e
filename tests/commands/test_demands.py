"""The resources that policies know demands by."""

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.commands.demands import (
    AccountDemand,
    Demand,
    Enclosed,
    StreamDemand,
    TableDemand,
    WritesDemand,
    resource,
)
from statordb.commands.gate import Gate
from statordb.commands.policies import Policies
from statordb.commands.reading import Range
from statordb.commands.selection import Choice
from statordb.model.budget import UNBOUNDED
from statordb.model.errors import ClientError
from statordb.model.request import NOWHERE

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
def test_a_resource_is_an_arn_or_a_pattern(api: Api, demand: Demand, expected: str) -> None:
    assert resource(PRINCIPAL, demand, Policies(api.store).place) == expected


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_resource_is_the_same_in_every_partition(api: Api, region: str, partition: str) -> None:
    """Else a Deny would be evaded by naming another one."""
    own = OWN.replace("us-east-1", region)
    arn = own + "table/abc/stream/label"
    other = arn.replace("aws", partition, 1)
    there, place = PRINCIPAL._replace(region=region), Policies(api.store).place
    assert resource(there, StreamDemand("dynamodb:GetRecords", other), place) == arn
    assert resource(there, INDEX._replace(table=other.partition("/stream")[0]), place) == own + "table/abc/index/idx"


def admit(api: Api, gate: Gate, demand: Demand) -> bool:
    if not gate.admit(PRINCIPAL, NOWHERE, demand, {}, UNBOUNDED):
        api.run(gate.settle(PRINCIPAL, NOWHERE, demand, {}, UNBOUNDED))
    return True


@pytest.mark.parametrize(
    ("demand", "what"),
    [
        (WritesDemand("dynamodb:BatchWriteItem", OTHERS + "table/abc", ()), "table/abc"),
        (StreamDemand("dynamodb:GetRecords", OTHERS + "table/abc/stream/label"), "table/abc/stream/label"),
        (OTHERS_INDEX, "table/abc/index/idx"),
    ],
)
def test_another_accounts_resources_are_refused_as_aws_words_it(api: Api, demand: Demand, what: str) -> None:
    with pytest.raises(ClientError) as caught:
        admit(api, Policies(api.store), demand)
    assert caught.value.message == (
        f"User: {PRINCIPAL.arn} is not authorized to perform: {demand.action} on resource: {OTHERS}{what} "
        f"because no resource-based policy allows the {demand.action} action"
    )


def test_of_a_table_itself_no_more_is_told(api: Api) -> None:
    with pytest.raises(ClientError) as caught:
        admit(api, Policies(api.store), TableDemand("dynamodb:DescribeTable", OTHERS + "table/abc"))
    assert caught.value.message == "Access is denied"


@pytest.mark.parametrize(
    "demand",
    [
        TableDemand("dynamodb:DescribeTable", "arn:aws:s3:us-east-1:111111111111:table/abc"),
        TableDemand("dynamodb:DescribeTable", OWN + "table/abc"),
        AccountDemand("dynamodb:ListTables"),
    ],
)
def test_the_gate_without_policies_lets_pass_what_it_can_not_name(api: Api, demand: Demand) -> None:
    """What is no ARN of a table is told where it is taken apart."""
    assert admit(api, Policies(api.store), demand)


def test_in_one_database_every_account_and_region_is_the_same(api: Api) -> None:
    """Tools make up ARNs of the region that they were told."""
    gate = Policies(api.store, shared=True)
    assert admit(api, gate, TableDemand("dynamodb:DescribeTable", OTHERS + "table/abc"))
    assert gate.place(PRINCIPAL, "111111111111", "local-env") == (PRINCIPAL.account, PRINCIPAL.region)
    assert Policies(api.store).place(PRINCIPAL, "111111111111", "local-env") == ("111111111111", "local-env")
