"""Event source mappings through Lambda's API."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.commands.policies import Policies
from statordb.lambda_api.service import FunctionService
from statordb.model.invocation import Outcome
from statordb.model.rest import RestRequest
from statordb.outbound.destinations import Destinations
from statordb.outbound.permissions import Permissions
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.mappings import ENABLED

PATH = "/2015-03-31/event-source-mappings"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:work"


class Never:
    async def invoke(self, function: FunctionRecord, payload: bytes, **options: Any) -> Outcome:
        raise AssertionError("nothing is invoked")


class Mapper:
    """`create`, `get` ... give (status, answer)."""

    def __init__(self, directory: Path) -> None:
        self.api = Api(directory)
        self.service = FunctionService(
            self.api.store,
            Never(),
            lambda request, fault: self.api.errors.append(fault),
            Destinations().check,
            Policies(self.api.store),
        )
        self.arn = self.table("abc")
        self.function("work")
        self.function("other")

    def function(self, name: str) -> None:
        now = self.api.clock.now()
        record = FunctionRecord(PRINCIPAL.account, PRINCIPAL.region, name, "python3.11", "f.f", "role", "", 0, "1", now)
        self.api.run(self.api.store.functions.change(record.account, record.region, name, lambda _: record))

    def table(self, name: str) -> str:
        made = self.api(
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def call(self, method: str, path: str, query: dict[str, Any] | None = None, **body: Any) -> tuple[int, Any]:
        async def handle() -> Any:
            request = RestRequest(
                method, path, urlencode(query or {}), {}, orjson.dumps(body) if body else b"", PRINCIPAL, "id"
            )
            return await self.service.handle(request)

        reply = self.api.run(handle())
        if self.api.faults:
            raise self.api.errors.pop()
        return reply.status, orjson.loads(reply.body or b"{}") | ({"Error": reply.error} if reply.error else {})

    def create(self, **members: Any) -> tuple[int, Any]:
        given = {"EventSourceArn": self.arn, "FunctionName": "work", "StartingPosition": "TRIM_HORIZON", **members}
        return self.call("POST", PATH, **{name: value for name, value in given.items() if value is not None})

    def get(self, uuid: str) -> tuple[int, Any]:
        return self.call("GET", f"{PATH}/{uuid}")

    def update(self, uuid: str, **members: Any) -> tuple[int, Any]:
        return self.call("PUT", f"{PATH}/{uuid}", UUID=uuid, **members)

    def delete(self, uuid: str) -> tuple[int, Any]:
        return self.call("DELETE", f"{PATH}/{uuid}")

    def list(self, **query: Any) -> list[str]:
        return [found["UUID"] for found in self.call("GET", PATH, query)[1]["EventSourceMappings"]]

    def settle(self) -> None:
        """As the keeper does."""
        for record in self.api.run(self.api.store.mappings.all()):
            self.api.run(self.api.store.mappings.change(record, lambda current: replace(current, state=ENABLED)))


@pytest.fixture
def mapper() -> Iterator[Mapper]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    made = Mapper(directory)
    yield made
    made.api.run(made.service.close())
    made.api.close()
    made.api.loop.close()
    shutil.rmtree(directory)


def test_a_new_mapping_is_shown_with_every_default(mapper: Mapper) -> None:
    status, made = mapper.create()
    uuid = made.pop("UUID")
    assert status == 202
    assert made == {
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "EventSourceArn": mapper.arn,
        "FunctionArn": FUNCTION,
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "LastModified": mapper.api.clock.now(),
        "LastProcessingResult": "No records processed",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
    }
    assert mapper.get(uuid) == (200, {"UUID": uuid, **made})


def test_all_that_is_given_is_shown(mapper: Mapper) -> None:
    given = {
        "StartingPosition": "LATEST",
        "BatchSize": 10000,
        "MaximumBatchingWindowInSeconds": 300,
        "ParallelizationFactor": 10,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]},
        "DestinationConfig": {"OnFailure": {"Destination": "file:///var/failed"}},
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 10000,
        "TumblingWindowInSeconds": 900,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    made = mapper.create(**given)[1]
    assert {name: made[name] for name in given} == given


@pytest.mark.parametrize("name", ["work", FUNCTION, f"{FUNCTION}:$LATEST", "000000000000:function:work"])
def test_a_function_is_named_in_any_form(mapper: Mapper, name: str) -> None:
    status, made = mapper.create(FunctionName=name)
    assert (status, made["FunctionArn"].removesuffix(":$LATEST")) == (202, FUNCTION)


def test_a_function_may_be_elsewhere(mapper: Mapper) -> None:
    url = "http://127.0.0.1:9000/2015-03-31/functions/function/invocations"
    assert mapper.create(FunctionName=url)[1]["FunctionArn"] == url
    assert mapper.create(FunctionName=url)[1]["Error"] == "ResourceConflictException"
    assert len(mapper.list(FunctionName=url)) == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"EventSourceArn": None}, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/abc"}, "Unrecognized event source."),
        (
            {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "StartingPosition": None},
            "Only DynamoDB streams can be event sources here, and this is none: arn:aws:sqs:",
        ),
        (
            {"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/orders"},
            "Only DynamoDB streams can be event sources here, and this is none: arn:aws:kinesis:",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/abc/stream/x"},
            "Stream not found: arn:aws:dynamodb:us-east-1:000000000000:table/abc/stream/x",
        ),
        ({"FunctionName": "none"}, "Function does not exist"),
        (
            {"StartingPosition": None},
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must "
            "not be null.",
        ),
        ({"MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a":"b"}'}]}}, "Invalid filter pattern definition."),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"a":["b"]}'}] * 11}},
            "An event source mapping can have",
        ),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": "file:///x"}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        ({"DestinationConfig": {"OnFailure": {"Destination": "ftp://x"}}}, "ftp://x is not a destination"),
        ({"Topics": ["topic"]}, "Topics is not a parameter of DynamoDB event sources."),
    ],
)
def test_refusals(mapper: Mapper, members: dict[str, Any], message: str) -> None:
    """What only the service knows to be wrong, as opposed to what the model says."""
    status, answer = mapper.create(**members)
    assert (status, answer["Error"], answer["Type"]) == (400, "InvalidParameterValueException", "User")
    assert answer["message"].startswith(message)


def test_a_moment_is_no_starting_position(mapper: Mapper) -> None:
    answer = mapper.create(StartingPosition="AT_TIMESTAMP")[1]
    assert answer["message"] == f"Unsupported starting position for arn type: {mapper.arn}"


@pytest.mark.parametrize(
    "members",
    [
        {"BatchSize": 0},
        {"BatchSize": 10001},
        {"MaximumBatchingWindowInSeconds": 301},
        {"ParallelizationFactor": 11},
        {"MaximumRetryAttempts": 10001},
        {"MaximumRecordAgeInSeconds": 604801},
        {"TumblingWindowInSeconds": 901},
    ],
)
def test_ranges(mapper: Mapper, members: dict[str, Any]) -> None:
    """The model's bounds, one step beyond each."""
    assert mapper.create(**members)[1]["Error"] == "ValidationException"


def test_a_second_mapping_of_the_same_stream_and_function_is_refused(mapper: Mapper) -> None:
    uuid = mapper.create()[1]["UUID"]
    status, answer = mapper.create(FunctionName=FUNCTION)
    assert (status, answer["message"]) == (
        409,
        f'The event source arn (" {mapper.arn} ") and function (" work ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}",
    )


def test_the_latest_version_of_a_function_is_the_function(mapper: Mapper) -> None:
    uuid = mapper.create()[1]["UUID"]
    assert mapper.create(FunctionName=f"{FUNCTION}:$LATEST")[0] == 409
    other = mapper.create(FunctionName="other:$LATEST")[1]["UUID"]
    assert mapper.create(FunctionName="other")[0] == 409
    assert mapper.list(FunctionName="work:$LATEST") == mapper.list(FunctionName=FUNCTION) == [uuid]
    assert mapper.list(FunctionName="other:$LATEST") == mapper.list(FunctionName="other") == [other]
    assert mapper.list(FunctionName="work:1") == []
    mapper.settle()
    assert mapper.update(other, FunctionName="work")[0] == 409
    assert mapper.update(other, FunctionName="other")[0] == 202


def test_latest_keeps_where_the_stream_ended(mapper: Mapper) -> None:
    mapper.api("PutItem", TableName="abc", Item={"p": {"S": "a"}})
    latest, horizon = mapper.create(StartingPosition="LATEST")[1], mapper.create(FunctionName="other")[1]
    [at] = mapper.api.run(mapper.api.store.mappings.checkpoints(latest["UUID"])).values()
    assert at.position > 0
    assert not at.ended
    assert mapper.api.run(mapper.api.store.mappings.checkpoints(horizon["UUID"])) == {}


def test_lists_are_filtered_and_paged(mapper: Mapper) -> None:
    second = mapper.table("second")
    made = [
        mapper.create(EventSourceArn=arn, FunctionName=function)[1]["UUID"]
        for arn in (mapper.arn, second)
        for function in ("work", "other")
    ]
    assert mapper.list() == sorted(made)
    assert mapper.list(FunctionName="work") == sorted([made[0], made[2]])
    assert mapper.list(EventSourceArn=second) == sorted(made[2:])
    assert mapper.list(EventSourceArn=second, FunctionName=FUNCTION) == [made[2]]
    assert mapper.list(FunctionName="none") == []
    page = mapper.call("GET", PATH, {"MaxItems": 3})[1]
    rest = mapper.call("GET", PATH, {"MaxItems": 3, "Marker": page["NextMarker"]})[1]
    assert [found["UUID"] for found in page["EventSourceMappings"] + rest["EventSourceMappings"]] == sorted(made)
    assert "NextMarker" not in rest


def test_an_update_changes_what_it_names(mapper: Mapper) -> None:
    uuid = mapper.create(BatchSize=5, FilterCriteria={"Filters": [{"Pattern": '{"a":["b"]}'}]})[1]["UUID"]
    assert mapper.update(uuid, BatchSize=6) == (
        400,
        {
            "Type": "User",
            "Message": "Cannot update the event source mapping because it is in use.",
            "Error": "ResourceInUseException",
        },
    )
    mapper.settle()
    mapper.api.clock.advance(5)
    status, changed = mapper.update(uuid, BatchSize=6, FunctionName="other", FilterCriteria={})
    assert (status, changed["BatchSize"], changed["FunctionArn"][-5:]) == (202, 6, "other")
    assert "FilterCriteria" not in changed
    assert (changed["State"], changed["LastModified"]) == ("Updating", mapper.api.clock.now())
    mapper.settle()
    assert mapper.update(uuid, Enabled=False)[1]["State"] == "Disabling"
    mapper.settle()
    assert mapper.update(uuid, Enabled=True)[1]["State"] == "Enabling"
    mapper.settle()
    mapper.create()
    assert mapper.update(uuid, FunctionName="work")[0] == 409


def test_a_deletion_takes_its_time_but_frees_stream_and_function(mapper: Mapper) -> None:
    uuid = mapper.create()[1]["UUID"]
    assert mapper.delete(uuid)[1]["Message"] == "Cannot delete the event source mapping because it is in use."
    mapper.settle()
    status, answer = mapper.delete(uuid)
    assert (status, answer["State"]) == (202, "Deleting")
    assert mapper.create()[0] == 202


def test_what_is_not_there_is_not_found(mapper: Mapper) -> None:
    none = "00000000-0000-4000-8000-000000000000"
    expected = {
        "Type": "User",
        "Message": "The resource you requested does not exist.",
        "Error": "ResourceNotFoundException",
    }
    assert mapper.get(none) == mapper.delete(none) == mapper.update(none, BatchSize=1) == (404, expected)


def test_no_change_is_lost_between_two_that_come_together(mapper: Mapper) -> None:
    uuid = mapper.create()[1]["UUID"]
    record = mapper.api.run(mapper.api.store.mappings.find(PRINCIPAL.account, PRINCIPAL.region, uuid))
    change = mapper.api.store.mappings.change

    async def both() -> None:
        await asyncio.gather(
            change(record, lambda current: replace(current, batch_size=7)),
            change(record, lambda current: replace(current, lanes=3)),
        )

    mapper.api.run(both())
    found = mapper.get(uuid)[1]
    assert (found["BatchSize"], found["ParallelizationFactor"]) == (7, 3)


def test_what_the_settings_do_not_allow_is_no_function_and_no_destination(mapper: Mapper) -> None:
    """A mapping had the server post to any address that it could reach, and sign for it."""
    mapper.service._check_destination = Destinations(permissions=Permissions(("https://allowed.example",))).check
    for members in (
        {"FunctionName": "http://169.254.169.254/latest/meta-data/iam"},
        {"DestinationConfig": {"OnFailure": {"Destination": "file:///etc/cron.d"}}},
    ):
        status, told = mapper.create(**members)
        assert (status, told["Error"]) == (400, "InvalidParameterValueException")
        assert "is not among the destinations" in told["message"]
    assert mapper.create(FunctionName="https://allowed.example/hook")[0] == 202
