"""Invoke of Lambda's API, by boto3."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from tests.functions.lambda_kit import ACCOUNT, REGION, REQUEST_ID, Lambda
from tests.functions.test_api_functions import refusal

from statordb.functions.invocation import UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.model.function_limits import INVOKE_BYTES_MAX, INVOKE_EVENT_BYTES_MAX
from statordb.store.invocations import FunctionKey

KEY = FunctionKey(ACCOUNT, REGION, "f")


def waiting(aws: Lambda) -> list[Any]:
    found: list[Any] = aws.run(aws.store.invocations.due(KEY, aws.clock.now(), 100))
    return found


def test_a_function_is_run_and_its_answer_given(aws: Lambda) -> None:
    aws.create()
    answer = aws.client.invoke(FunctionName="f", Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["Payload"].read() == b'{"a": 1}'
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert aws.invoker.calls[0][1:] == (b'{"a": 1}', None, REQUEST_ID)


def test_no_payload_is_an_empty_object(aws: Lambda) -> None:
    aws.create()
    aws.client.invoke(FunctionName="f")
    assert aws.invoker.calls[0][1] == b"{}"


def test_the_tail_of_the_log_comes_on_request(aws: Lambda) -> None:
    aws.create()
    answer = aws.client.invoke(FunctionName="f", LogType="Tail")
    assert b64decode(answer["LogResult"]) == b"printed\n"


def test_an_error_of_the_function_is_an_answer(aws: Lambda) -> None:
    aws.create()
    aws.invoker.outcomes.append(Outcome(b'{"errorType":"KeyError"}', UNHANDLED, b"", "id"))
    answer = aws.client.invoke(FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"]) == {"errorType": "KeyError"}


def test_an_answer_that_is_too_large_is_an_error_of_the_function(aws: Lambda) -> None:
    aws.create()
    aws.invoker.outcomes.append(Outcome(b'"' + b"a" * INVOKE_BYTES_MAX + b'"', None, b"", "id"))
    answer = aws.client.invoke(FunctionName="f")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Throttled("ReservedFunctionConcurrentInvocationLimitExceeded"), (429, "TooManyRequestsException")),
        (NotRunnable("There is no runtime ruby3.4 here."), (502, "InvalidRuntimeException")),
    ],
)
def test_what_could_not_be_run_is_told(aws: Lambda, fault: Exception, expected: tuple[int, str]) -> None:
    aws.create()
    aws.invoker.outcomes.append(fault)
    assert refusal(aws.client.invoke, FunctionName="f")[:2] == expected


def test_the_reason_of_throttling_is_told(aws: Lambda) -> None:
    aws.create()
    aws.invoker.outcomes.append(Throttled("ConcurrentInvocationLimitExceeded"))
    with pytest.raises(aws.client.exceptions.TooManyRequestsException) as caught:
        aws.client.invoke(FunctionName="f")
    assert caught.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"


def test_a_dry_run_runs_nothing(aws: Lambda) -> None:
    aws.create()
    assert aws.client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    assert aws.invoker.calls == []
    assert refusal(aws.client.invoke, FunctionName="g", InvocationType="DryRun")[0] == 404


def test_an_event_is_queued(aws: Lambda) -> None:
    aws.create()
    context = b64encode(b'{"custom":{}}').decode()
    answer = aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b'"now"', ClientContext=context)
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    (invocation,) = waiting(aws)
    assert (invocation.payload, invocation.client_context) == (b'"now"', '{"custom":{}}')
    assert invocation.id == REQUEST_ID
    assert aws.invoker.calls == []


def test_a_client_context_reaches_the_function(aws: Lambda) -> None:
    aws.create()
    aws.client.invoke(FunctionName="f", ClientContext=b64encode(b'{"custom":{"a":"b"}}').decode())
    assert aws.invoker.calls[0][2] == '{"custom":{"a":"b"}}'


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Payload": b"{"}, (400, "InvalidRequestContentException")),
        ({"ClientContext": "!"}, (400, "InvalidRequestContentException")),
        ({"ClientContext": b64encode(b"1").decode()}, (400, "InvalidRequestContentException")),
        ({"ClientContext": b64encode(b'{"a":"%s"}' % (b"b" * 3000)).decode()}, (400, "InvalidRequestContentException")),
        ({"InvocationType": "Later"}, (400, "ValidationException")),
        ({"LogType": "All"}, (400, "ValidationException")),
        ({"Qualifier": "1"}, (404, "ResourceNotFoundException")),
        ({"TenantId": "me"}, (400, "InvalidParameterValueException")),
        ({"Payload": b'"' + b"a" * INVOKE_BYTES_MAX + b'"'}, (413, "RequestTooLargeException")),
        (
            {"Payload": b'"' + b"a" * INVOKE_EVENT_BYTES_MAX + b'"', "InvocationType": "Event"},
            (413, "RequestTooLargeException"),
        ),
    ],
)
def test_bad_requests_run_nothing(aws: Lambda, given: dict[str, Any], expected: tuple[int, str]) -> None:
    aws.create()
    assert refusal(aws.client.invoke, FunctionName="f", **given)[:2] == expected
    assert aws.invoker.calls == []
    assert waiting(aws) == []


def test_how_events_are_treated_can_be_set(aws: Lambda) -> None:
    aws.create()
    client = aws.client
    assert refusal(client.get_function_event_invoke_config, FunctionName="f")[1] == "ResourceNotFoundException"
    assert client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"] == []
    failures = {"OnFailure": {"Destination": "file:///tmp/failures"}}
    put = client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig=failures)
    assert put["MaximumRetryAttempts"] == 0
    client.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    found = client.get_function_event_invoke_config(FunctionName="f")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (0, 60)
    assert found["DestinationConfig"] == failures
    assert found["LastModified"].timestamp() == aws.clock.now()
    client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=70)
    assert "MaximumRetryAttempts" not in client.get_function_event_invoke_config(FunctionName="f")
    client.delete_function_event_invoke_config(FunctionName="f")
    assert refusal(client.delete_function_event_invoke_config, FunctionName="f")[0] == 404
