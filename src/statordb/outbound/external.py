"""Functions that run elsewhere, invoked by URL: a Lambda-compatible endpoint, or any web service.

A URL whose path ends in /2015-03-31/functions/NAME/invocations is an endpoint of Lambda's own API (AWS Lambda API
reference, Invoke), as AWS's Runtime Interface Emulator and others serve it: the request is signed, and the answer read
as Lambda's. To any other URL the event is posted as it is; an answer of 2xx is success, and its body the function's.
"""

import asyncio
import re
import uuid
from typing import Any

import orjson

from statordb.model.invocation import THROTTLED_TOTAL, UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.outbound.aws_session import AwsSession
from statordb.outbound.http_client import HttpClient, Response, Unreachable, check_url
from statordb.outbound.permissions import EVERYTHING, NotAllowed, Permissions

INVOCATIONS_PATH = re.compile(r".*/2015-03-31/functions/[^/]+/invocations")
PAYLOAD_TOO_LARGE = 413  # the event will never be taken: a failure, not something to wait for
TIMED_OUT = b"Task timed out after "  # all that the Runtime Interface Emulator says, with status 200


class ExternalUnreachable(Exception):
    """The endpoint could not be reached or gave no whole answer; args[0] is a sentence for people. The function may
    have run all the same."""


def check(url: str) -> None:
    """Raises ValueError with a sentence if the URL can't be one of a function."""
    check_url(url)


class ExternalInvoker:
    """Invokes functions by URL. Use it in one event loop, and `close` it there."""

    def __init__(self, permissions: Permissions = EVERYTHING) -> None:
        self._permissions = permissions
        self._client = HttpClient(permissions.check_address)
        self._session = AwsSession()

    async def invoke(self, url: str, payload: bytes, timeout_seconds: float, region: str) -> Outcome:
        """Send the event, wait for the end of the function.

        A function that fails, or does not end within `timeout_seconds`, is an Outcome with an error. Raises
        ExternalUnreachable, Throttled (status 429) and NotRunnable: where the settings do not allow the URL, and of a
        Lambda endpoint for any other 4xx but 413 (there is no such function, or it is not allowed to us). Whoever calls
        may try again after each of them.
        """
        request_id = str(uuid.uuid4())
        try:
            self._permissions.check(url)
        except NotAllowed as fault:
            raise NotRunnable(str(fault)) from None
        is_lambda = INVOCATIONS_PATH.fullmatch(check_url(url).path) is not None
        headers = {"Content-Type": "application/json", "User-Agent": "StatorDB"}
        if is_lambda:
            headers["X-Amz-Invocation-Type"] = "RequestResponse"
            named = self._permissions.names(url)
            headers = await asyncio.to_thread(self._session.signed, "lambda", region, url, headers, payload, named)
        try:
            response = await self._client.post(url, headers, payload, timeout_seconds)
        except Unreachable as fault:
            raise ExternalUnreachable(fault.args[0]) from None
        except TimeoutError:
            return _failed("Sandbox.Timedout", f"Task timed out after {timeout_seconds:.2f} seconds", request_id)
        return _lambda_outcome(url, response, request_id) if is_lambda else _outcome(response, request_id)

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._client.close()


def _outcome(response: Response, request_id: str) -> Outcome:
    """Of a web service that knows nothing of Lambda."""
    if 200 <= response.status < 300:
        return Outcome(response.body, None, b"", request_id)
    if response.status == 429:
        raise Throttled(THROTTLED_TOTAL)
    return _failed("HttpStatus", f"The endpoint answered with status {response.status}", request_id)


def _lambda_outcome(url: str, response: Response, request_id: str) -> Outcome:
    status, headers, body = response
    request_id = headers.get("x-amzn-requestid", request_id)
    if 200 <= status < 300:
        error = headers.get("x-amz-function-error")
        if error is not None:
            return Outcome(body, error or UNHANDLED, b"", request_id)
        if "x-amz-executed-version" in headers:
            return Outcome(body, None, b"", request_id)
        return _emulated(body, request_id)
    if status == 429:
        raise Throttled(str(_member(body, "Reason") or THROTTLED_TOTAL))
    message = _member(body, "Message") or _member(body, "message") or f"The endpoint answered with status {status}"
    if 400 <= status < 500 and status != PAYLOAD_TOO_LARGE:
        raise NotRunnable(f"{url} can't be invoked: {message}")
    return _failed(headers.get("x-amzn-errortype", "ServiceException"), str(message), request_id, body)


def _emulated(body: bytes, request_id: str) -> Outcome:
    """Of an endpoint without AWS's headers: the Runtime Interface Emulator tells of failures in the body alone."""
    if body.startswith(TIMED_OUT):
        return _failed("Sandbox.Timedout", body.decode(errors="replace"), request_id)
    failed = b'"errorType"' in body and None not in (_member(body, "errorType"), _member(body, "errorMessage"))
    return Outcome(body, UNHANDLED if failed else None, b"", request_id)


def _failed(type: str, message: str, request_id: str, body: bytes = b"") -> Outcome:
    """A failure, told by the body if that has the form of one."""
    if _member(body, "errorMessage") is None:
        body = orjson.dumps({"errorMessage": message, "errorType": type})
    return Outcome(body, UNHANDLED, b"", request_id)


def _member(body: bytes, name: str) -> Any:
    """A member of a JSON object; None if the body is no such."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found.get(name) if isinstance(found, dict) else None
