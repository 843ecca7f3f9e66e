"""UpdateTable: one thing a call, what its answer shows, and the figures of capacity, warm throughput and maxima.

The right values were measured on AWS (aws-controllers-k8s, API quirks of October 2026).
"""

from typing import Any

import pytest
from tests.api.kms_calls import kms, new_key
from tests.in_process import Api, Fault

from statordb.model.clock import ManualClock

INVALID = "One or more parameter values were invalid: "
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
MORE = {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}
WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}
NOW = round(ManualClock().now(), 3)


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def index(name: str = "global", key: str = "g", **more: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "Projection": KEYS_ONLY,
        **more,
    }


def create(api: Api, provisioned: bool = False, **more: Any) -> dict[str, Any]:
    """A table abc with a global index."""
    units = {"ProvisionedThroughput": UNITS} if provisioned else {}
    mode = {"BillingMode": "PROVISIONED", **units} if provisioned else {"BillingMode": "PAY_PER_REQUEST"}
    request = {
        "TableName": "abc",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": attributes("p", "g"),
        "GlobalSecondaryIndexes": [index(**units)],
    }
    made: dict[str, Any] = api("CreateTable", **{**request, **mode, **more})["TableDescription"]
    return made


def update(api: Api, **asked: Any) -> dict[str, Any]:
    described: dict[str, Any] = api("UpdateTable", TableName="abc", **asked)["TableDescription"]
    return described


def refused(api: Api, **asked: Any) -> str:
    """The text of a refusal, which changes nothing."""
    before = described(api)
    fault = api.refused("UpdateTable", TableName="abc", **asked)
    assert fault.code == "ValidationException"
    assert described(api) == before
    return fault.message


def described(api: Api) -> dict[str, Any]:
    table: dict[str, Any] = api("DescribeTable", TableName="abc")["Table"]
    return table


def of_index(table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = table["GlobalSecondaryIndexes"][0]
    return found


PROTECT = {"DeletionProtectionEnabled": True}
CLASS = {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
ENCRYPT = {"SSESpecification": {"Enabled": True}}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
PROVISION = {"ProvisionedThroughput": MORE}
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}
MAXIMA = {"OnDemandThroughput": {"MaxReadRequestUnits": 10}}
WARMER = {"WarmThroughput": {"ReadUnitsPerSecond": 13_000}}
MAKE = {"GlobalSecondaryIndexUpdates": [{"Create": index("other", "x", ProvisionedThroughput=UNITS)}],
        "AttributeDefinitions": attributes("x")}  # fmt: skip
DROP = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "global"}}]}
ALONE = " modification must be the only operation in the request"


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        *[(PROTECT, other, f"DeletionProtection{ALONE}") for other in (STREAM, MAXIMA, ON_DEMAND, PROVISION, MAKE)],
        *[(CLASS, other, f"TableClass{ALONE}") for other in (PROTECT, STREAM, PROVISION, WARMER, MAKE, DROP)],
        *[(ENCRYPT, other, f"Server-Side Encryption{ALONE}") for other in (CLASS, PROTECT, STREAM, PROVISION, MAKE)],
        (MAXIMA, STREAM, "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"),
        (MAXIMA, WARMER, "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"),
        (WARMER, STREAM, "WarmThroughput must be the only operation in the request"),
        (WARMER, PROTECT, f"DeletionProtection{ALONE}"),
        (WARMER, MAKE, "Create global secondary index cannot be specified when updating WarmThroughput"),
        (STREAM, PROVISION, "You cannot modify stream status while updating table IOPS"),
        (MAKE, PROVISION, "You cannot create or delete index while updating table IOPS"),
        (DROP, PROVISION, "You cannot create or delete index while updating table IOPS"),
        (MAKE, STREAM, "You cannot create or delete index while changing stream status"),
        (DROP, STREAM, "You cannot create or delete index while changing stream status"),
    ],
)
def test_one_thing_is_done_a_call(api: Api, one: dict[str, Any], other: dict[str, Any], message: str) -> None:
    create(api, provisioned=True)
    assert refused(api, **one, **other) == INVALID + message


@pytest.mark.parametrize("other", [STREAM, MAXIMA, {}])
def test_a_switch_to_on_demand_goes_with_some(api: Api, other: dict[str, Any]) -> None:
    create(api, provisioned=True)
    shown = update(api, **ON_DEMAND, **other)
    assert shown["TableStatus"] == "UPDATING"
    table = described(api)
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    for member in other:
        assert table[member] == other[member]


def test_an_empty_member_beside_others_says_nothing(api: Api) -> None:
    create(api)
    assert update(api, WarmThroughput={}, **PROTECT)["DeletionProtectionEnabled"]
    assert update(api, OnDemandThroughput={}, **ON_DEMAND)
    for member in ("WarmThroughput", "OnDemandThroughput"):
        assert refused(api, **{member: {}}).startswith(f"{INVALID}{member} must have at least one of")


def test_a_table_stays_active_but_for_what_takes_time(api: Api) -> None:
    create(api)
    for asked, status in ((PROTECT, "ACTIVE"), (WARMER, "ACTIVE"), (MAXIMA, "ACTIVE"), (ENCRYPT, "ACTIVE"),
                          (CLASS, "UPDATING"), (ON_DEMAND, "UPDATING"), (STREAM, "UPDATING")):  # fmt: skip
        assert update(api, **asked)["TableStatus"] == status
        assert described(api)["TableStatus"] == "ACTIVE"


def test_warm_throughput_follows_the_highest_figures(api: Api) -> None:
    create(api, provisioned=True)

    def warm() -> list[dict[str, int]]:
        table = described(api)
        both = table["WarmThroughput"], of_index(table)["WarmThroughput"]
        return [{m: each[m] for m in WARM} for each in both if each["Status"] == "ACTIVE"]

    five, nine = dict.fromkeys(WARM, 5), dict.fromkeys(WARM, 9)
    higher = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}
    lower = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    assert warm() == [five, five]
    for units, expected in ((higher, nine), (lower, nine)):
        change = {"Update": {"IndexName": "global", "ProvisionedThroughput": units}}
        update(api, ProvisionedThroughput=units, GlobalSecondaryIndexUpdates=[change])
        assert warm() == [expected, expected]
    update(api, **ON_DEMAND)
    assert warm() == [WARM, WARM]
    change = {"Update": {"IndexName": "global", "ProvisionedThroughput": lower}}
    update(api, BillingMode="PROVISIONED", ProvisionedThroughput=lower, GlobalSecondaryIndexUpdates=[change])
    assert warm() == [WARM, WARM]


def test_warm_throughput_only_rises(api: Api) -> None:
    create(api)
    shown = update(api, **WARMER)
    assert shown["WarmThroughput"] == {**WARM, "Status": "UPDATING"}
    assert described(api)["WarmThroughput"] == {**WARM, "ReadUnitsPerSecond": 13_000, "Status": "ACTIVE"}
    update(api, **WARMER)  # the same again
    lower = {"WarmThroughput": {"ReadUnitsPerSecond": 12_500}}
    text = "is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
    assert refused(api, **lower) == f"{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for table {text}"
    change = {"IndexName": "global", "WarmThroughput": {"WriteUnitsPerSecond": 5_000}}
    shown = of_index(update(api, GlobalSecondaryIndexUpdates=[{"Update": change}]))
    assert shown["WarmThroughput"] == {**WARM, "Status": "UPDATING"}
    assert of_index(described(api))["WarmThroughput"]["WriteUnitsPerSecond"] == 5_000
    change = {"IndexName": "global", "WarmThroughput": {"WriteUnitsPerSecond": 4_000}}
    assert refused(api, GlobalSecondaryIndexUpdates=[{"Update": change}]) == (
        f"{INVALID}Requested WriteUnitsPerSecond for WarmThroughput for index global {text}"
    )
    change = {"IndexName": "global", "WarmThroughput": {}}
    assert refused(api, GlobalSecondaryIndexUpdates=[{"Update": change}]) == (
        f"{INVALID}WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for "
        "index: global"
    )


@pytest.mark.parametrize(
    ("provisioned", "more", "message"),
    [
        (
            False,
            {"WarmThroughput": {"ReadUnitsPerSecond": 1}},
            "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand. "
            "See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
            "#on-demand-capacity-mode-initial",
        ),
        (
            True,
            {"WarmThroughput": {"WriteUnitsPerSecond": 4}},
            "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than WriteCapacityUnits of "
            "ProvisionedThroughput",
        ),
        (
            True,
            {"OnDemandThroughput": {"MaxReadRequestUnits": 1}},
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
        ),
        *[
            (
                False,
                {"OnDemandThroughput": {"MaxWriteRequestUnits": figure}},
                "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
            )
            for figure in (0, -1, -2)
        ],
        (
            False,
            {"GlobalSecondaryIndexes": [index(OnDemandThroughput={"MaxReadRequestUnits": 0})]},
            "Requested MaxReadRequestUnits for OnDemandThroughput for index : global is outside of valid range",
        ),
        (False, {"SSESpecification": {"Enabled": True, "SSEType": "AES256"}}, "SSEType AES256 is not supported"),
        (
            False,
            {"SSESpecification": {"Enabled": False, "SSEType": "KMS"}},
            "SSEType can not be specified if Enabled is false",
        ),
        (
            False,
            {"SSESpecification": {"Enabled": False, "KMSMasterKeyId": "alias/mine"}},
            "KMSMasterKeyId can not be specified if Enabled is false",
        ),
        (
            False,
            {"SSESpecification": {"Enabled": True, "KMSMasterKeyId": "alias/mine"}},
            "SSEType KMS is required if KMSMasterKeyId is specified",
        ),
        (
            False,
            {"StreamSpecification": {"StreamEnabled": True}},
            "Table is being created with a stream enabled, UpdateViewType is required",
        ),
        (
            False,
            {"StreamSpecification": {"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"}},
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
    ],
)
def test_refusals_of_new_tables(api: Api, provisioned: bool, more: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault) as caught:
        create(api, provisioned, **more)
    assert caught.value.args == ("ValidationException", INVALID + message)


def test_empty_figures_of_new_tables_say_nothing(api: Api) -> None:
    none: dict[str, Any] = {"OnDemandThroughput": {}, "WarmThroughput": {}}
    create(api, **none, GlobalSecondaryIndexes=[index(**none)])
    table = described(api)
    assert table["WarmThroughput"] == of_index(table)["WarmThroughput"] == {**WARM, "Status": "ACTIVE"}
    assert "OnDemandThroughput" not in table
    assert "OnDemandThroughput" not in of_index(table)


def test_maxima_are_merged_and_cleared(api: Api) -> None:
    create(api)

    def maxima(**asked: int) -> tuple[Any, Any, Any]:
        """What the answer shows, what is described then, and what is described of the index."""
        shown = update(api, OnDemandThroughput=asked)
        change = {"Update": {"IndexName": "global", "OnDemandThroughput": asked}}
        of_indexes = of_index(update(api, GlobalSecondaryIndexUpdates=[change]))
        table = described(api)
        assert of_indexes["OnDemandThroughput"] == shown["OnDemandThroughput"]
        return (
            shown["OnDemandThroughput"],
            table.get("OnDemandThroughput"),
            of_index(table).get("OnDemandThroughput"),
        )

    reads, writes = "MaxReadRequestUnits", "MaxWriteRequestUnits"
    both = {reads: 1000, writes: 500}
    assert maxima(**both) == (both, both, both)
    assert maxima(**{reads: 2000}) == ({**both, reads: 2000},) * 3
    assert maxima(**{reads: -1}) == ({reads: -1, writes: 500}, {writes: 500}, {writes: 500})
    assert maxima(**{writes: -1}) == ({writes: -1}, None, None)
    assert maxima(**{reads: -1, writes: -1}) == ({reads: -1, writes: -1}, None, None)
    for figure in (0, -2):
        text = f"{INVALID}Requested {reads} for OnDemandThroughput for table is outside of valid range"
        assert refused(api, OnDemandThroughput={reads: figure}) == text


def test_a_provisioned_table_has_no_maxima(api: Api) -> None:
    create(api, provisioned=True)
    text = "for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"
    assert refused(api, **MAXIMA) == f"{INVALID}MaxReadRequestUnits {text}"


def test_the_answer_shows_capacity_as_it_was(api: Api) -> None:
    create(api, provisioned=True)
    change = {"Update": {"IndexName": "global", "ProvisionedThroughput": MORE}}
    shown = update(api, ProvisionedThroughput=MORE, GlobalSecondaryIndexUpdates=[change])
    none = {"NumberOfDecreasesToday": 0}
    assert shown["ProvisionedThroughput"] == of_index(shown)["ProvisionedThroughput"] == {**UNITS, **none}
    assert of_index(shown)["IndexStatus"] == "UPDATING"
    table = described(api)
    new = {**MORE, **none, "LastIncreaseDateTime": NOW}
    assert table["ProvisionedThroughput"] == of_index(table)["ProvisionedThroughput"] == new
    assert of_index(table)["IndexStatus"] == "ACTIVE"


def test_equal_capacity_of_an_index_will_not_change(api: Api) -> None:
    create(api, provisioned=True)
    change = {"Update": {"IndexName": "global", "ProvisionedThroughput": UNITS}}
    assert refused(api, GlobalSecondaryIndexUpdates=[change]) == (
        "The provisioned throughput for the index global will not change. The requested value equals the current "
        "value. Current ReadCapacityUnits provisioned for index global: 5. Requested ReadCapacityUnits: 5. Current "
        "WriteCapacityUnits provisioned for index global: 5. Requested WriteCapacityUnits: 5. Refer to the Amazon "
        "DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def test_a_switch_to_on_demand_keeps_what_was_counted(api: Api) -> None:
    create(api, provisioned=True)
    update(api, ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 1})
    api.clock.advance(5)
    shown = update(api, **ON_DEMAND)
    zero = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    kept = {"NumberOfDecreasesToday": 1, "LastIncreaseDateTime": NOW, "LastDecreaseDateTime": NOW + 5}
    assert shown["ProvisionedThroughput"] == {**zero, **kept}
    assert shown["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    table = described(api)
    assert table["ProvisionedThroughput"] == {**zero, **kept}
    assert table["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == NOW + 5
    assert of_index(table)["ProvisionedThroughput"]["ReadCapacityUnits"] == 0


def test_an_index_on_demand_has_no_capacity(api: Api) -> None:
    create(api)
    text = (
        f"{INVALID}The only Updates for index: global when TableThroughputMode is PAY_PER_REQUEST can be to "
        "OnDemandThroughput, WarmThroughput"
    )
    for change in ({"ProvisionedThroughput": UNITS}, {"OnDemandThroughput": {}}, {}):
        assert refused(api, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "global", **change}}]) == text
    made = {"Create": index("other", "g", ProvisionedThroughput=UNITS)}
    assert refused(api, GlobalSecondaryIndexUpdates=[made], AttributeDefinitions=attributes("g")) == (
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: other when BillingMode "
        "is PAY_PER_REQUEST"
    )
    assert refused(api, BillingMode="PROVISIONED", ProvisionedThroughput=UNITS) == (
        f"{INVALID}ProvisionedThroughput must be specified for index: global"
    )


def test_definitions_beside_other_work_are_not_looked_at(api: Api) -> None:
    """What AWS reads of them is what a new index has for keys."""
    create(api)
    kept = described(api)["AttributeDefinitions"]
    strange = [{"AttributeName": "p", "AttributeType": "N"}, {"AttributeName": "unused", "AttributeType": "B"}]
    update(api, AttributeDefinitions=strange, **CLASS)
    assert described(api)["AttributeDefinitions"] == kept
    made = {"Create": index("other", "x")}
    update(api, AttributeDefinitions=[*attributes("x"), *strange], GlobalSecondaryIndexUpdates=[made])
    assert described(api)["AttributeDefinitions"] == [*kept, *attributes("x")]


def test_a_key_of_ones_own_is_told_of(api: Api) -> None:
    kms(api, "CreateAlias", AliasName="alias/mine", TargetKeyId=new_key(api))
    made = create(api, **ENCRYPT)
    sse = made["SSEDescription"]
    assert (sse["Status"], sse["SSEType"]) == ("ENABLED", "KMS")
    assert sse["KMSMasterKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    assert described(api)["SSEDescription"] == sse
    assert update(api, **ENCRYPT)["SSEDescription"] == {**sse, "Status": "UPDATING"}
    assert described(api)["SSEDescription"] == sse
    mine = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine"}
    update(api, SSESpecification=mine)
    other = described(api)["SSEDescription"]["KMSMasterKeyArn"]
    assert other != sse["KMSMasterKeyArn"]
    assert refused(api, SSESpecification={**mine, "KMSMasterKeyId": other}) == (
        f"{INVALID}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to "
        "change Master Key"
    )
    update(api, SSESpecification={**mine, "KMSMasterKeyId": "alias/aws/dynamodb"})
    assert described(api)["SSEDescription"] == {**sse, "Status": "UPDATING"}
    api.keep()
    assert described(api)["SSEDescription"] == sse
    shown = update(api, SSESpecification={"Enabled": False})
    assert shown["SSEDescription"] == {**sse, "Status": "UPDATING"}
    api.keep()
    assert "SSEDescription" not in described(api)


@pytest.mark.parametrize("specification", [{}, {"Enabled": False}])
def test_the_usual_encryption_needs_no_asking(api: Api, specification: dict[str, Any]) -> None:
    create(api)
    assert refused(api, SSESpecification=specification) == f"{INVALID}Table is already encrypted by default"


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ({"StreamEnabled": True}, INVALID + "If stream is being enabled then UpdateViewType is required"),
        (
            {"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"},
            INVALID + "If stream is being disabled, then UpdateViewType must not be specified",
        ),
        ({"StreamEnabled": False}, "Table has no stream to disable: TableName: abc"),
    ],
)
def test_refusals_of_streams(api: Api, specification: dict[str, Any], message: str) -> None:
    create(api)
    assert refused(api, StreamSpecification=specification) == message


@pytest.mark.parametrize("action", ["Update", "Delete"])
def test_indexes_that_are_not_there(api: Api, action: str) -> None:
    create(api)
    text = "Index none for table abc"
    change = {action: {"IndexName": "none", **({} if action == "Delete" else MAXIMA)}}
    fault = api.refused("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[change])
    assert (fault.code, fault.message) == ("ResourceNotFoundException", f"Requested resource not found: {text}")
