"""Kinesis streaming destinations: every status and what it allows, each refusal with AWS's text."""

from dataclasses import replace
from typing import Any

import pytest
from tests.in_process import Api

from statordb.store import destinations
from statordb.store.records import TableRecord

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/changes"
OTHER = "arn:aws:kinesis:us-east-1:000000000000:stream/others"
STATE = "Table is not in a valid state to enable Kinesis Streaming Destination: "
NOT_OVER = STATE + "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
NOT_TO_DISABLE = STATE + "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
NOT_TO_UPDATE = (
    STATE + "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
    f"TableName: carts, kdsArn: {ARN}"
)
MICRO = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
MILLI = {"ApproximateCreationDateTimePrecision": "MILLISECOND"}
EVENTS = ("enable", "found", "failed", "update", "updated", "disable", "drained")


@pytest.fixture(autouse=True)
def _table(api: Api) -> None:
    create(api)


def create(api: Api) -> None:
    api(
        "CreateTable",
        TableName="carts",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def enable(api: Api, arn: str = ARN, **more: Any) -> dict[str, Any]:
    return api("EnableKinesisStreamingDestination", TableName="carts", StreamArn=arn, **more)


def disable(api: Api) -> dict[str, Any]:
    return api("DisableKinesisStreamingDestination", TableName="carts", StreamArn=ARN)


def update(api: Api, configuration: dict[str, str]) -> dict[str, Any]:
    return api(
        "UpdateKinesisStreamingDestination",
        TableName="carts",
        StreamArn=ARN,
        UpdateKinesisStreamingConfiguration=configuration,
    )


def described(api: Api) -> list[dict[str, Any]]:
    answer = api("DescribeKinesisStreamingDestination", TableName="carts")
    assert answer.keys() == {"TableName", "KinesisDataStreamDestinations"}
    found: list[dict[str, Any]] = answer["KinesisDataStreamDestinations"]
    return found


def record_of(api: Api) -> TableRecord:
    (record,) = api.run(api.store.catalog.all())
    found: TableRecord = record
    return found


def happen(api: Api, event: str, arn: str = ARN, **changes: str) -> None:
    """What the keeper would do."""

    def change(record: TableRecord | None) -> TableRecord:
        assert record is not None
        moved = destinations.moved(record, arn, event, 1.0, **changes)
        assert moved is not None
        return moved

    record = record_of(api)
    api.run(api.store.catalog.change(record.account, record.region, record.name, change))


def test_a_table_has_no_destinations_at_first(api: Api) -> None:
    assert described(api) == []


def test_an_enabled_destination_is_fed(api: Api) -> None:
    assert enable(api) == {
        "TableName": "carts",
        "StreamArn": ARN,
        "DestinationStatus": "ENABLING",
        "EnableKinesisStreamingConfiguration": {},
    }
    assert described(api) == [{"StreamArn": ARN, "DestinationStatus": "ENABLING"}]
    (destination,) = record_of(api).destinations
    head = record_of(api).log
    assert head is not None
    assert (head.carries, head.space) == ("NEW_AND_OLD_IMAGES", destination.log)
    (log,) = api.run(api.store.logs.all())
    assert (log.space, log.views) == (head.space, {destination.reader: "NEW_AND_OLD_IMAGES"})


def test_a_table_may_be_named_by_its_arn(api: Api) -> None:
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/carts"
    assert api("EnableKinesisStreamingDestination", TableName=arn, StreamArn=ARN)["TableName"] == "carts"
    assert api("DescribeKinesisStreamingDestination", TableName=arn)["TableName"] == "carts"


def test_the_precision_is_shown_once_it_is_chosen(api: Api) -> None:
    assert enable(api, EnableKinesisStreamingConfiguration=MICRO)["EnableKinesisStreamingConfiguration"] == MICRO
    happen(api, "found")
    assert described(api) == [{"StreamArn": ARN, "DestinationStatus": "ACTIVE", **MICRO}]
    assert update(api, MILLI) == {
        "TableName": "carts",
        "StreamArn": ARN,
        "DestinationStatus": "UPDATING",
        "UpdateKinesisStreamingConfiguration": MILLI,
    }
    assert described(api) == [{"StreamArn": ARN, "DestinationStatus": "UPDATING", **MILLI}]


def test_disabling_forgets_the_precision_and_leaves_the_log_to_the_keeper(api: Api) -> None:
    enable(api, EnableKinesisStreamingConfiguration=MICRO)
    (destination,) = record_of(api).destinations
    happen(api, "found")
    assert disable(api) == {"TableName": "carts", "StreamArn": ARN, "DestinationStatus": "DISABLING"}
    assert record_of(api).log is None
    assert record_of(api).destinations[0].reader == destination.reader
    happen(api, "drained")
    assert described(api) == [{"StreamArn": ARN, "DestinationStatus": "DISABLED"}]
    assert record_of(api).destinations[0].reader is None
    (log,) = api.run(api.store.logs.all())
    assert (log.space, log.views) == (destination.log, {})


def test_a_second_disable_is_taken(api: Api) -> None:
    enable(api)
    happen(api, "found")
    disable(api)
    assert disable(api)["DestinationStatus"] == "DISABLING"


def test_a_failure_says_why(api: Api) -> None:
    enable(api)
    happen(api, "failed", description="no")
    assert described(api) == [
        {"StreamArn": ARN, "DestinationStatus": "ENABLE_FAILED", "DestinationStatusDescription": "no"}
    ]


def test_destinations_that_are_over_stay_listed_and_can_be_enabled_again(api: Api) -> None:
    enable(api)
    happen(api, "failed", description="no")
    enable(api, OTHER)
    happen(api, "found", OTHER)
    assert [(one["StreamArn"], one["DestinationStatus"]) for one in described(api)] == [
        (OTHER, "ACTIVE"),
        (ARN, "ENABLE_FAILED"),
    ]
    api("DisableKinesisStreamingDestination", TableName="carts", StreamArn=OTHER)
    happen(api, "drained", OTHER)
    enable(api)
    assert described(api) == [
        {"StreamArn": OTHER, "DestinationStatus": "DISABLED"},
        {"StreamArn": ARN, "DestinationStatus": "ENABLING"},
    ]


def test_not_all_that_are_over_are_kept_for_ever(api: Api) -> None:
    for number in range(12):
        enable(api, f"{ARN}-{number}")
        happen(api, "failed", f"{ARN}-{number}")
    assert [one["StreamArn"] for one in described(api)] == [f"{ARN}-{number}" for number in range(11, 1, -1)]


@pytest.mark.parametrize("events", [(), ("found",), ("found", "update"), ("found", "disable")])
def test_a_second_live_destination_is_refused(api: Api, events: tuple[str, ...]) -> None:
    enable(api)
    for event in events:
        happen(api, event)
    for arn in (ARN, OTHER):
        fault = api.refused("EnableKinesisStreamingDestination", TableName="carts", StreamArn=arn)
        assert (fault.code, fault.message) == ("ValidationException", NOT_OVER)
    assert len(described(api)) == 1


@pytest.mark.parametrize("events", [(), ("failed",), ("found", "update"), ("found", "disable", "drained")])
def test_what_is_not_active_can_be_neither_updated_nor_disabled(api: Api, events: tuple[str, ...]) -> None:
    enable(api)
    for event in events:
        happen(api, event)
    fault = api.refused("DisableKinesisStreamingDestination", TableName="carts", StreamArn=ARN)
    assert (fault.code, fault.message) == ("ValidationException", NOT_TO_DISABLE)
    request = {"TableName": "carts", "StreamArn": ARN, "UpdateKinesisStreamingConfiguration": MICRO}
    fault = api.refused("UpdateKinesisStreamingDestination", **request)
    assert (fault.code, fault.message) == ("ValidationException", NOT_TO_UPDATE)


def test_a_stream_that_is_no_destination(api: Api) -> None:
    fault = api.refused("DisableKinesisStreamingDestination", TableName="carts", StreamArn=ARN)
    assert fault.message == NOT_TO_DISABLE
    request = {"TableName": "carts", "StreamArn": ARN, "UpdateKinesisStreamingConfiguration": MICRO}
    assert api.refused("UpdateKinesisStreamingDestination", **request).message == (
        STATE + f"No streaming destination with streamArn: {ARN} found for table with tableName: carts"
    )


@pytest.mark.parametrize("chosen", [None, "MILLISECOND", "MICROSECOND"])
def test_the_same_precision_again_is_refused(api: Api, chosen: str | None) -> None:
    """One that was not chosen counts as MILLISECOND."""
    configuration = {"ApproximateCreationDateTimePrecision": chosen} if chosen else {}
    enable(api, EnableKinesisStreamingConfiguration=configuration)
    happen(api, "found")
    same = chosen or "MILLISECOND"
    request = {"TableName": "carts", "StreamArn": ARN}
    fault = api.refused(
        "UpdateKinesisStreamingDestination",
        **request,
        UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": same},
    )
    assert fault.message == (
        f"Invalid Request: Precision is already set to the desired value of {same} "
        f"for tableId: {record_of(api).id}, kdsArn: {ARN}"
    )


@pytest.mark.parametrize("configuration", [{}, {"UpdateKinesisStreamingConfiguration": {}}])
def test_an_update_must_say_what(api: Api, configuration: dict[str, Any]) -> None:
    fault = api.refused("UpdateKinesisStreamingDestination", TableName="carts", StreamArn=ARN, **configuration)
    assert fault.message == (
        "Streaming destination cannot be updated with given parameters: "
        "UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
    )


def test_disabling_takes_no_precision(api: Api) -> None:
    enable(api)
    happen(api, "found")
    request = {"TableName": "carts", "StreamArn": ARN, "EnableKinesisStreamingConfiguration": MICRO}
    assert api.refused("DisableKinesisStreamingDestination", **request).message == (
        "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters"
    )


@pytest.mark.parametrize("operation", ["Enable", "Disable", "Update", "Describe"])
def test_a_table_that_is_not_there_or_not_ready(api: Api, operation: str) -> None:
    more: dict[str, Any] = {} if operation == "Describe" else {"StreamArn": ARN}
    if operation == "Update":
        more["UpdateKinesisStreamingConfiguration"] = MICRO
    api.store.table_delay_seconds = 10.0
    api("DeleteTable", TableName="carts")
    for table in ("ghost", "carts"):
        fault = api.refused(f"{operation}KinesisStreamingDestination", TableName=table, **more)
        assert fault.code == "ResourceNotFoundException"
        assert fault.message == f"Requested resource not found: Table: {table} not found"


def test_words_that_aws_does_not_know(api: Api) -> None:
    wrong = {"ApproximateCreationDateTimePrecision": "NANOSECOND"}
    fault = api.refused(
        "EnableKinesisStreamingDestination",
        TableName="carts",
        StreamArn=ARN,
        EnableKinesisStreamingConfiguration=wrong,
    )
    assert fault.code == "ValidationException"
    assert "Member must satisfy enum value set: [MILLISECOND, MICROSECOND]" in fault.message


def test_every_status_knows_every_event(api: Api) -> None:
    """The table of transitions, walked whole."""
    enable(api)
    record = record_of(api)
    (destination,) = record.destinations
    (log,) = api.run(api.store.logs.all())
    reached = set()
    for status in ("ENABLING", "ACTIVE", "UPDATING", "DISABLING", "DISABLED", "ENABLE_FAILED"):
        over = status in ("DISABLED", "ENABLE_FAILED")
        reader = None if over else destination.reader
        here = replace(record, destinations=[replace(destination, status=status, reader=reader)])
        for event in EVENTS:
            if event == "enable":
                after = destinations.enabled(here, ARN, None, log, 2.0)
            else:
                after = destinations.moved(here, ARN, event, 2.0)
            assert (after is not None) == ((status, event) in destinations.TRANSITIONS)
            if after is not None:
                (changed,) = after.destinations
                assert changed.status == destinations.TRANSITIONS[status, event]
                assert changed.changed_at == 2.0
                assert (changed.reader is None) == (changed.status in ("DISABLED", "ENABLE_FAILED"))
                reached.add(changed.status)
    assert reached == {"ENABLING", "ACTIVE", "UPDATING", "DISABLING", "DISABLED", "ENABLE_FAILED"}


def test_destinations_outlive_a_restart(api: Api) -> None:
    enable(api, EnableKinesisStreamingConfiguration=MICRO)
    before = record_of(api)
    api.restart()
    assert record_of(api) == before


def test_a_deleted_tables_destinations_are_gone(api: Api) -> None:
    enable(api)
    api("DeleteTable", TableName="carts")
    create(api)
    assert described(api) == []
