"""Invoke of Lambda's API, by boto3."""

import asyncio
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from tests.lambda_api.lambda_kit import ACCOUNT, PRINCIPAL, REGION, REQUEST_ID, Lambda
from tests.lambda_api.test_functions import refusal

from statordb.model.function_limits import INVOKE_ANSWER_BYTES_MAX, INVOKE_BYTES_MAX, INVOKE_EVENT_BYTES_MAX
from statordb.model.invocation import UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.model.rest import RestReply, RestRequest
from statordb.store.functions.invocations import FunctionKey

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
    largest = b'"' + b"a" * (INVOKE_ANSWER_BYTES_MAX - 2) + b'"'
    aws.invoker.outcomes += [Outcome(largest, None, b"", "id"), Outcome(largest + b" ", None, b"", "id")]
    answer = aws.client.invoke(FunctionName="f")
    assert answer["Payload"].read() == largest
    assert "FunctionError" not in answer
    answer = aws.client.invoke(FunctionName="f")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


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


TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:failures"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


@pytest.mark.parametrize("end", ["OnSuccess", "OnFailure"])
@pytest.mark.parametrize(
    ("destination", "message"),
    [
        (TOPIC, "the setting sns_endpoint is not set"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/b", "is not the ARN of a queue or a topic"),
        ("ftp://host", "is not a destination"),
        (f"{ARN}none", "is invalid"),
        (f"{ARN}g:live", "is invalid"),
        (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:g", "is invalid"),
        (f"arn:aws:lambda:{REGION}:111111111111:function:g", "is invalid"),
        (f"{ARN}f", "can't be its own destination"),
    ],
)
def test_destinations_out_of_reach_are_refused(aws: Lambda, end: str, destination: str, message: str) -> None:
    aws.create()
    aws.create(name="g")
    given = {"DestinationConfig": {end: {"Destination": destination}}}
    for call in (aws.client.put_function_event_invoke_config, aws.client.update_function_event_invoke_config):
        status, code, text = refusal(call, FunctionName="f", **given)
        assert (status, code) == (400, "InvalidParameterValueException")
        assert message in text
        aws.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    assert "Destination" not in str(aws.client.get_function_event_invoke_config(FunctionName="f")["DestinationConfig"])


def test_another_function_may_be_a_destination_and_none_may_be_empty(aws: Lambda) -> None:
    aws.create()
    aws.create(name="g")
    given = {"OnSuccess": {"Destination": f"{ARN}g"}, "OnFailure": {"Destination": ""}}
    aws.client.put_function_event_invoke_config(FunctionName="f", DestinationConfig=given)
    assert aws.client.get_function_event_invoke_config(FunctionName="f")["DestinationConfig"] == given


@pytest.mark.parametrize("target", [TOPIC, f"{ARN}g", "nowhere"])
def test_a_dead_letter_target_must_be_reachable(aws: Lambda, target: str) -> None:
    unreachable = {"DeadLetterConfig": {"TargetArn": target}}
    assert refusal(aws.create, **unreachable)[1] == "InvalidParameterValueException"
    aws.create()
    aws.create(name="g")
    change = aws.client.update_function_configuration
    assert refusal(change, FunctionName="f", **unreachable)[1] == "InvalidParameterValueException"
    change(FunctionName="f", DeadLetterConfig={"TargetArn": "file:///tmp/dead"})
    assert "DeadLetterConfig" not in change(FunctionName="f", DeadLetterConfig={"TargetArn": ""})


class Odd(BaseException):
    """What no `except Exception` sees."""


@pytest.mark.parametrize("fault", [asyncio.CancelledError(), Odd()])
def test_whatever_an_operation_raises_it_is_answered(aws: Lambda, fault: BaseException) -> None:
    """Its client would wait for ever."""
    aws.create()
    aws.invoker.outcomes.append(fault)
    request = RestRequest("POST", "/2015-03-31/functions/f/invocations", "", {}, b"", PRINCIPAL, REQUEST_ID)

    async def handle() -> RestReply:
        return await aws.service.handle(request)

    assert aws.run(handle()).status == 500
    assert aws.failures.pop() is fault
