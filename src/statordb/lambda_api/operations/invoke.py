"""Invoke: run a function now, queue an invocation, or only see whether it could be run."""

import binascii
from base64 import b64decode, b64encode

import orjson

from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Request, RestAnswer
from statordb.model.function_limits import (
    INVOKE_ANSWER_BYTES_MAX,
    INVOKE_BYTES_MAX,
    INVOKE_CONTEXT_BYTES_MAX,
    INVOKE_EVENT_BYTES_MAX,
)
from statordb.model.invocation import UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.runtime.endings import response_too_large
from statordb.store.functions.catalog import LATEST, FunctionRecord
from statordb.store.functions.invocations import FunctionKey

_VERSION = ("X-Amz-Executed-Version", LATEST)


async def invoke(context: Context, request: Request) -> Answer:
    for member in ("DurableExecutionName", "TenantId"):
        if member in request:
            raise errors.invalid_parameter(f"{member} is not supported by this server.")
    kind = request.get("InvocationType", "RequestResponse")
    payload = _payload(request["Payload"], INVOKE_EVENT_BYTES_MAX if kind == "Event" else INVOKE_BYTES_MAX)
    client_context = _client_context(request.get("ClientContext"))
    record = await context.function(request["FunctionName"], request.get("Qualifier"))
    if kind == "DryRun":
        return RestAnswer(204, (_VERSION,))
    if kind == "Event":
        function = FunctionKey(record.account, record.region, record.name)
        await context.store.invocations.put(function, context.request_id, payload, client_context)
        return RestAnswer(202)
    return _answer(await _run(context, record, payload, client_context), request.get("LogType") == "Tail")


async def _run(context: Context, record: FunctionRecord, payload: bytes, client_context: str | None) -> Outcome:
    try:
        return await context.invoker.invoke(
            record, payload, client_context=client_context, request_id=context.request_id
        )
    except Throttled as throttled:
        raise errors.too_many(throttled.args[0]) from None
    except NotRunnable as reason:
        raise errors.not_runnable(str(reason.args[0])) from None


def _answer(outcome: Outcome, tail: bool) -> RestAnswer:
    headers = [_VERSION]
    payload, error = outcome.payload, outcome.error
    if len(payload) > INVOKE_ANSWER_BYTES_MAX:
        payload, error = response_too_large(outcome.request_id).payload, UNHANDLED
    if error is not None:
        headers.append(("X-Amz-Function-Error", error))
    if tail:
        headers.append(("X-Amz-Log-Result", b64encode(outcome.log_tail).decode()))
    return RestAnswer(200, tuple(headers), payload)


def _payload(body: bytes, bytes_max: int) -> bytes:
    """The function's event: any JSON; {} where there is none."""
    if len(body) > bytes_max:
        raise errors.too_large(f"Request must be smaller than {bytes_max} bytes for the InvokeFunction operation")
    if not body:
        return b"{}"
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_content(f"Could not parse request body into json: {error.msg}") from None
    return body


def _client_context(text: str | None) -> str | None:
    """The JSON object in X-Amz-Client-Context."""
    if not text:
        return None
    if len(text) > INVOKE_CONTEXT_BYTES_MAX:
        raise errors.invalid_content(f"Client context must be no more than {INVOKE_CONTEXT_BYTES_MAX} bytes.")
    invalid = errors.invalid_content("Client context must be a valid Base64-encoded JSON object.")
    try:
        decoded = b64decode(text, validate=True)
        document = orjson.loads(decoded)
    except (binascii.Error, ValueError):
        raise invalid from None
    if not isinstance(document, dict):
        raise invalid
    return decoded.decode()
