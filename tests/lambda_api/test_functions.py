"""Functions of Lambda's API, by boto3: made, shown, changed, listed, deleted."""

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.lambda_api.lambda_kit import ACCOUNT, REGION, ROLE, Lambda, package

from statordb.lambda_api.requests import members
from statordb.lambda_api.service import READ_HERE_BYTES_MAX
from statordb.model.request import Principal
from statordb.outbound.destinations import Destinations
from statordb.outbound.permissions import Permissions
from statordb.store.functions.catalog import CHUNK_BYTES, PACKAGE_IDLE_SECONDS_MIN, CodeMissing
from statordb.store.terms import Overloaded

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def refusal(call: Any, **given: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_a_new_function_is_shown_with_its_defaults(aws: Lambda) -> None:
    made = aws.create()
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == ARN
    assert (made["State"], made["LastUpdateStatus"], made["Version"]) == ("Active", "Successful", "$LATEST")
    assert (made["Timeout"], made["MemorySize"], made["PackageType"]) == (3, 128, "Zip")
    assert made["CodeSize"] == len(package())
    assert made["LastModified"] == "2023-11-14T22:13:20.000+0000"
    found = aws.client.get_function_configuration(FunctionName="f")
    del made["ResponseMetadata"], found["ResponseMetadata"]
    assert found == made


@pytest.mark.parametrize("waiter", ["function_exists", "function_active", "function_active_v2", "function_updated_v2"])
def test_the_waiters_of_boto3_are_satisfied_at_once(aws: Lambda, waiter: str) -> None:
    aws.create()
    aws.client.get_waiter(waiter).wait(FunctionName="f", WaiterConfig={"MaxAttempts": 1})


def test_what_was_given_is_kept(aws: Lambda) -> None:
    given: dict[str, Any] = {
        "Description": "d",
        "Timeout": 900,
        "MemorySize": 10240,
        "Environment": {"Variables": {"COLOUR": "grün"}},
        "DeadLetterConfig": {"TargetArn": "file:///tmp/dead"},
        "TracingConfig": {"Mode": "Active"},
        "Architectures": ["arm64"],
        "EphemeralStorage": {"Size": 1024},
        "LoggingConfig": {"LogFormat": "JSON"},
    }
    aws.create(**given, Tags={"team": "cart"})
    found = aws.client.get_function(FunctionName=ARN)
    shown = found["Configuration"]
    assert {name: shown[name] for name in given if name != "LoggingConfig"} == {
        name: value for name, value in given.items() if name != "LoggingConfig"
    }
    assert shown["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"}
    assert found["Tags"] == {"team": "cart"}
    assert "Location" not in found["Code"]


def test_a_function_is_known_by_every_form_of_its_name(aws: Lambda) -> None:
    aws.create(name=ARN)
    for name in ("f", f"{ACCOUNT}:function:f", ARN, f"{ARN}:$LATEST", "f:$LATEST", f"{REGION}:{ACCOUNT}:function:f"):
        shown = aws.client.get_function_configuration(FunctionName=name)
        assert shown["FunctionArn"] == (f"{ARN}:$LATEST" if "$" in name else ARN), name
    assert aws.client.get_function_configuration(FunctionName="f", Qualifier="$LATEST")["FunctionName"] == "f"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", (404, "ResourceNotFoundException", f"Function not found: {ARN[:-1]}none")),
        ("f:7", (404, "ResourceNotFoundException", f"Function not found: {ARN}:7")),
        ("f:live", (404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:live")),
        (
            f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",
            (
                404,
                "ResourceNotFoundException",
                f"Functions from 'eu-west-1' are not reachable in this region ('{REGION}')",
            ),
        ),
    ],
)
def test_what_is_not_there_is_not_found(aws: Lambda, name: str, expected: tuple[int, str, str]) -> None:
    aws.create()
    assert refusal(aws.client.get_function, FunctionName=name) == expected


def test_functions_of_another_account_are_out_of_reach(aws: Lambda) -> None:
    aws.create()
    other = aws.connect(Principal("111111111111", "other", REGION, "arn:aws:iam::111111111111:root"))
    assert refusal(other.get_function, FunctionName="f")[1] == "ResourceNotFoundException"
    status, code, message = refusal(other.invoke, FunctionName=ARN)
    assert (status, code) == (403, "AccessDeniedException")
    assert "lambda:InvokeFunction" in message
    assert other.list_functions()["Functions"] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than"),
        ({"MemorySize": 127}, "Value '127' at 'memorySize' failed to satisfy constraint: Member must have value great"),
        ({"Role": "me"}, "Value 'me' at 'role' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"Code": None}, "Value null at 'code' failed to satisfy constraint: Member must not be null"),
        ({"FunctionName": "a b"}, "Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy"),
        ({"FunctionName": "a" * 65}, "at 'functionName' failed to satisfy constraint: Member must have length less"),
        ({"Environment": {"Variables": {"9": ""}}}, "Value '9' at 'environment.variables.key' failed to satisfy"),
        ({"Architectures": ["vax"]}, "Value 'vax' at 'architectures.1.member' failed to satisfy constraint: Member"),
    ],
)
def test_members_are_checked_by_the_model(aws: Lambda, given: dict[str, Any], expected: str) -> None:
    status, code, message = refusal(aws.create, **({"name": given.pop("FunctionName", "f")} | given))
    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value ")
    assert expected in message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"Code": {"ZipFile": b"not a zip"}},
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        ({"Code": {"ZipFile": package()[:-9]}}, "Could not unzip uploaded file."),
        ({"Code": {"ZipFile": package("../up.py")}}, "Could not unzip uploaded file."),
        ({"Code": {"ZipFile": package("/etc/x")}}, "Could not unzip uploaded file."),
        ({"Code": {"ZipFile": b""}}, "Uploaded file must be a non-empty zip"),
        ({"Code": {}}, "Please provide a source for function code."),
        ({"Code": {"S3Bucket": "things", "S3Key": "a.zip"}}, "Code can't be read from the S3 bucket things"),
        ({"Code": {"S3Bucket": "hot-reload", "S3Key": "here"}}, "The key here is not the absolute path of a directory"),
        ({"Code": {"ImageUri": "image"}}, "Container images are not supported"),
        ({"PackageType": "Image"}, "PackageType Image is not supported"),
        (
            {"Runtime": "cobol"},
            "Value 'cobol' at 'runtime' failed to satisfy constraint: Member must satisfy enum value",
        ),
        (
            {"Runtime": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:a:1"]}, "Layers is not supported by this server."),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"AA": "x" * 4096}}}, "exceeded the 4KB limit"),
        ({"Tags": {f"t{i}": "" for i in range(51)}}, "Number of tags exceeds resource tag limit."),
    ],
)
def test_what_cannot_be_run_is_refused(aws: Lambda, given: dict[str, Any], expected: str) -> None:
    status, code, message = refusal(aws.create, **given)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert expected in message
    assert aws.client.list_functions()["Functions"] == []


def test_a_package_that_unpacks_to_too_much_is_refused(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.lambda_api.packages.FUNCTION_CODE_BYTES_MAX", 10)
    assert refusal(aws.create)[2] == "Unzipped size must be smaller than 10 bytes"


def test_a_name_is_taken_once(aws: Lambda) -> None:
    aws.create()
    assert refusal(aws.create) == (409, "ResourceConflictException", "Function already exist: f")


def test_a_directory_is_used_in_place(aws: Lambda, tmp_path: Path) -> None:
    aws.create(Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    found = aws.client.get_function(FunctionName="f")
    assert found["Code"]["Location"] == f"file://{tmp_path.resolve()}"
    record = aws.run(aws.store.functions.find(ACCOUNT, REGION, "f"))
    assert record.code_directory == str(tmp_path.resolve())
    changed = aws.client.update_function_code(FunctionName="f", ZipFile=package())
    assert changed["CodeSize"] == len(package())
    assert aws.run(aws.store.functions.find(ACCOUNT, REGION, "f")).code_directory is None


def test_code_is_changed_whole(aws: Lambda) -> None:
    made = aws.create()
    other = package(text="handler = None")
    dry = aws.client.update_function_code(FunctionName="f", ZipFile=other, DryRun=True)
    assert dry["CodeSha256"] != made["CodeSha256"]
    assert aws.client.get_function_configuration(FunctionName="f")["RevisionId"] == made["RevisionId"]
    changed = aws.client.update_function_code(FunctionName="f", ZipFile=other, RevisionId=made["RevisionId"])
    assert changed["CodeSha256"] == dry["CodeSha256"]
    assert changed["RevisionId"] != made["RevisionId"]
    record = aws.run(aws.store.functions.find(ACCOUNT, REGION, "f"))
    assert aws.run(aws.store.functions.code(record)) == other
    stale = refusal(aws.client.update_function_code, FunctionName="f", ZipFile=other, RevisionId=made["RevisionId"])
    assert stale[:2] == (412, "PreconditionFailedException")


def test_a_configuration_is_changed_in_part(aws: Lambda) -> None:
    made = aws.create(Environment={"Variables": {"AA": "1"}}, TracingConfig={"Mode": "Active"}, Description="d")
    changed = aws.client.update_function_configuration(
        FunctionName="f", Timeout=10, Environment={"Variables": {}}, LoggingConfig={"LogFormat": "JSON"}
    )
    assert (changed["Timeout"], changed["Description"], changed["TracingConfig"]) == (10, "d", {"Mode": "Active"})
    assert "Environment" not in changed
    assert changed["RevisionId"] != made["RevisionId"]
    stale = refusal(aws.client.update_function_configuration, FunctionName="f", RevisionId=made["RevisionId"])
    assert stale[:2] == (412, "PreconditionFailedException")
    assert refusal(aws.client.update_function_configuration, FunctionName="g")[1] == "ResourceNotFoundException"


def test_functions_are_listed_in_pages(aws: Lambda) -> None:
    for number in range(5):
        aws.create(name=f"f{number}")
    pages = list(aws.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["FunctionName"] for each in page["Functions"]] for page in pages] == [
        ["f0", "f1"],
        ["f2", "f3"],
        ["f4"],
    ]
    assert "State" not in pages[0]["Functions"][0]
    assert refusal(aws.client.list_functions, Marker="\x00")[1] == "InvalidParameterValueException"
    assert refusal(aws.client.list_functions, MaxItems=0)[1] == "ValidationException"
    (version,) = aws.client.list_versions_by_function(FunctionName="f0")["Versions"]
    assert version["FunctionArn"].endswith(":f0:$LATEST")


def test_a_deleted_function_is_gone(aws: Lambda) -> None:
    aws.create()
    assert refusal(aws.client.delete_function, FunctionName="f", Qualifier="$LATEST")[0] == 400
    assert aws.client.delete_function(FunctionName="f")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(aws.client.delete_function, FunctionName="f")[:2] == (404, "ResourceNotFoundException")


def test_concurrency_is_reserved_and_given_back(aws: Lambda) -> None:
    aws.create()
    assert "ReservedConcurrentExecutions" not in aws.client.get_function_concurrency(FunctionName="f")
    put = aws.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=900)
    assert put["ReservedConcurrentExecutions"] == 900
    assert aws.client.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 900}
    assert aws.client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    too_much = refusal(aws.client.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=901)
    assert "below its minimum value of [100]" in too_much[2]
    assert aws.client.delete_function_concurrency(FunctionName="f")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "Concurrency" not in aws.client.get_function(FunctionName="f")


def test_the_account_tells_what_is_used(aws: Lambda) -> None:
    aws.create()
    aws.create(name="g")
    usage = aws.client.get_account_settings()["AccountUsage"]
    assert usage == {"FunctionCount": 2, "TotalCodeSize": 2 * len(package())}


def test_a_large_package_is_kept_in_chunks_and_swept_when_nobody_names_it(aws: Lambda) -> None:
    large = package(blob="".join(map(chr, range(256))) * 9000)
    stored = large + b"\0" * (3 * CHUNK_BYTES)
    functions = aws.store.functions
    kept = aws.run(functions.put_code(stored))
    aws.create()
    made = aws.run(functions.find(ACCOUNT, REGION, "f"))
    named = type(made)(**{**{n: getattr(made, n) for n in made.__slots__}, "code_id": kept.id, "code_size": kept.size})
    aws.run(functions.change(ACCOUNT, REGION, "f", lambda record: named))
    aws.run(functions.sweep())
    aws.clock.advance(PACKAGE_IDLE_SECONDS_MIN)
    aws.run(functions.sweep())
    assert aws.run(functions.code(named)) == stored
    with pytest.raises(CodeMissing):  # the one that it had at first
        aws.run(functions.code(made))


def test_what_lambda_has_and_this_server_has_not_is_named(aws: Lambda) -> None:
    aws.create()
    status, code, message = refusal(aws.client.publish_version, FunctionName="f")
    assert (status, code) == (501, "NotImplementedException")
    assert "PublishVersion" in message
    assert refusal(aws.client.get_layer_version_by_arn, Arn="arn:aws:lambda:us-east-1:000000000000:layer:a:1")[0] == 501


def test_large_bodies_are_read_beside_the_event_loop(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    read_in: list[bool] = []

    def spy(*arguments: Any) -> dict[str, Any]:
        read_in.append(threading.current_thread() is threading.main_thread())
        return members(*arguments)

    monkeypatch.setattr("statordb.lambda_api.requests.members", spy)
    aws.create()
    incompressible = random.Random(1).randbytes(READ_HERE_BYTES_MAX).decode("latin-1")
    aws.create(name="g", Code={"ZipFile": package(blob=incompressible)})
    assert read_in == [True, False]
    fault = refusal(aws.create, name="i", Description="d" * 300, Code={"ZipFile": bytes(READ_HERE_BYTES_MAX)})
    assert fault[:2] == (400, "ValidationException")


def test_unknown_paths_and_bodies_are_told(aws: Lambda) -> None:
    assert aws.ask("GET", "/2015-03-31/nothing").status == 404
    assert aws.ask("PATCH", "/2015-03-31/functions").error == "UnknownOperationException"
    assert aws.ask("GET", "/2015-03-31/functions/").status == 200
    assert aws.ask("POST", "/2015-03-31/functions", b"{").error == "InvalidRequestContentException"
    assert aws.ask("POST", "/2015-03-31/functions", b"[]").error == "SerializationException"
    wrong = b'{"FunctionName":1}', b'{"Timeout":"3"}', b'{"Code":{"ZipFile":"!"}}', b'{"Timeout":9999999999}'
    for body in wrong:
        assert aws.ask("POST", "/2015-03-31/functions", body).error == "SerializationException", body
    reply = aws.ask("POST", "/2015-03-31/functions", b"{}")
    assert reply.body.startswith(
        b'{"Type":"User","message":"3 validation errors detected: Value null at \'functionName\''
    )
    assert dict(reply.headers)["x-amzn-ErrorType"] == "ValidationException"


def test_a_role_is_named(aws: Lambda) -> None:
    assert aws.create()["Role"] == ROLE


def test_a_store_that_takes_no_more_throttles(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was written, and SDKs try again; ServiceException would be a fault of ours in the log."""

    async def refuse(*_: Any) -> Any:
        raise Overloaded("too many updates wait")

    monkeypatch.setattr(aws.store.engine, "update", refuse)
    assert refusal(aws.create) == (429, "TooManyRequestsException", "Rate Exceeded.")


def test_a_package_of_too_many_entries_is_refused_before_it_is_read(
    aws: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """42 MB of entries took the server 685 MB, since an object is made of each: they are counted in what was sent."""
    monkeypatch.setattr("statordb.lambda_api.packages.FUNCTION_ENTRIES_MAX", 2)
    zipped = package(a="", b="")
    assert refusal(aws.create, Code={"ZipFile": zipped})[2] == "A zip file can have at most 2 entries."


def test_code_of_a_directory_that_the_settings_do_not_name_is_not_run(aws: Lambda, tmp_path: Path) -> None:
    aws.service._check_destination = Destinations(permissions=Permissions(())).check
    told = refusal(aws.create, Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})[2]
    assert "is not among the destinations" in told
