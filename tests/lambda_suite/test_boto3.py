"""Lambda's API of a running server by boto3, with functions in real processes."""

import http.client
import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.lambda_suite.conftest import Client, connect, create, zipped
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess


def lines(path: Path, count: int) -> list[Any]:
    """What functions have written, once that is so much."""
    found: list[str] = []

    def written() -> bool:
        found[:] = path.read_text().splitlines() if path.exists() else []
        return len(found) >= count

    until(written, f"{count} lines are written")
    return [json.loads(line) for line in found]


def test_the_life_of_a_function(client: Client, name: str) -> None:
    create(client, name, Environment={"Variables": {"COLOUR": "green"}}, Tags={"team": "cart"})
    for waiter in (
        "function_exists",
        "function_active",
        "function_active_v2",
        "function_updated",
        "function_updated_v2",
    ):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"MaxAttempts": 1})
    context = b64encode(b'{"custom": {"a": "b"}}').decode()
    answer = client.invoke(FunctionName=name, Payload=b'{"a": 1}', LogType="Tail", ClientContext=context)
    told = json.load(answer["Payload"])
    assert told["event"] == {"a": 1}
    assert (told["colour"], told["custom"], int(told["memory"])) == ("green", {"a": "b"}, 128)
    assert answer["ExecutedVersion"] == "$LATEST"
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"request {request_id}" in b64decode(answer["LogResult"]).decode()
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "red"}})
    assert json.load(client.invoke(FunctionName=name)["Payload"])["colour"] == "red"
    client.update_function_code(FunctionName=name, ZipFile=zipped("def handler(event, context):\n    return 'new'\n"))
    assert client.invoke(FunctionName=name)["Payload"].read() == b'"new"'
    client.delete_function(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName=name)


def test_an_error_and_a_timeout_are_answers(client: Client, name: str) -> None:
    create(client, name)
    failed = client.invoke(FunctionName=name, Payload=b'{"fail": "no"}')
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert json.load(failed["Payload"])["errorType"] == "ValueError"
    client.update_function_configuration(FunctionName=name, Timeout=1)

    def timed_out() -> bool:
        """Where the machine is slow, its init may take too long instead."""
        slow = client.invoke(FunctionName=name, Payload=b'{"sleep": 600}')
        assert slow["FunctionError"] == "Unhandled"
        return "Task timed out after 1.00 seconds" in json.load(slow["Payload"])["errorMessage"]

    until(timed_out, "it is told that the task timed out")


def test_a_directory_is_run_in_place(client: Client, name: str, tmp_path: Path) -> None:
    code = tmp_path / "main.py"
    code.write_text("def handler(event, context):\n    return 1\n")
    create(client, name, Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    assert client.invoke(FunctionName=name)["Payload"].read() == b"1"
    code.write_text("def handler(event, context):\n    return 'changed'\n")
    until(lambda: client.invoke(FunctionName=name)["Payload"].read() == b'"changed"', "the changed file is run")


def test_an_event_is_run_in_the_background(client: Client, name: str, out: Path) -> None:
    create(client, name)
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"write": str(out), "n": 1}))
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert lines(out, 1) == [{"write": str(out), "n": 1}]


def test_an_event_that_fails_goes_to_its_destination(client: Client, name: str, tmp_path: Path) -> None:
    create(client, name)
    client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"file://{tmp_path}"}},
    )
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail": "always"}')
    found = until(lambda: list(tmp_path.glob("*.json")), "the failure is told")
    record = json.loads(found[0].read_bytes())
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responsePayload"]["errorMessage"] == "always"


def test_events_outlive_a_kill_of_everything(tmp_path: Path, out: Path) -> None:
    data = str(tmp_path / "data")
    process = ServerProcess("--data", data, "--workers", "1")
    client = connect(process.url)
    create(client, "f")
    for number in range(20):
        client.invoke(
            FunctionName="f",
            InvocationType="Event",
            Payload=json.dumps({"write": str(out), "n": number, "sleep": 0.2}),
        )
    process.kill()
    with ServerProcess("--data", data, "--workers", "1"):
        until(lambda: {each["n"] for each in lines(out, 1)} == set(range(20)), "each event is run")


def test_a_function_without_concurrency_is_throttled(client: Client, name: str) -> None:
    create(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName=name)
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_large_package_can_be_uploaded(client: Client, name: str) -> None:
    ballast = "# " + "ab" * 12_000_000 + "\ndef handler(event, context):\n    return 1\n"
    made = create(client, name, Code={"ZipFile": zipped(ballast)})
    assert made["CodeSize"] > 24_000_000


def test_web_pages_are_kept_out(own_server: ServerProcess) -> None:
    parts = urlsplit(own_server.url)
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, "
        f"Signature={'0' * 64}",
        "X-Amz-Date": "20260101T000000Z",
    }
    expected = [({}, 200), ({"Origin": "http://localhost"}, 403), ({"Host": "rebound.example"}, 403)]
    for more, status in expected:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=HANGS_SECONDS)
        connection.request("GET", "/2015-03-31/functions", headers={**headers, **more})
        assert connection.getresponse().status == status, more
        connection.close()
