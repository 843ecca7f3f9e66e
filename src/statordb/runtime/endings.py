"""How an invocation ends that the function did not end itself, in the words of Lambda.

Source: what AWS Lambda answers and logs; developer guide, "Troubleshoot invocation issues in Lambda" and "Understanding
the Lambda execution environment lifecycle".
"""

import signal
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from statordb.launcher.measuring import FILES_BYTES_MAX
from statordb.model.function_limits import INVOKE_ANSWER_BYTES_MAX
from statordb.runtime.memory import MIB


class Ending(NamedTuple):
    """`payload`: what the caller gets. `line`: what the log says. `status`: the end of the log's REPORT line."""

    payload: bytes
    line: str
    status: str


def timed_out(request_id: str, seconds: float, now: float) -> Ending:
    """`now`: seconds since the epoch."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = f"{moment} {request_id} Task timed out after {seconds:.2f} seconds"
    return Ending(orjson.dumps({"errorMessage": line}), line + "\n\n", "Status: timeout")


def init_timed_out(request_id: str, seconds: float) -> Ending:
    return _failure("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")


def exited(request_id: str, code: int) -> Ending:
    """`code`: the exit code, or minus the number of the signal."""
    if code > 0:
        reason = f"Runtime exited with error: exit status {code}"
    elif code < 0:
        reason = f"Runtime exited with error: signal: {_signal_name(-code)}"
    else:
        reason = "Runtime exited without providing a reason"
    return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")


def out_of_memory(request_id: str) -> Ending:
    return _failure("Runtime.OutOfMemory", f"RequestId: {request_id} Error: Runtime exited with error: signal: killed")


def out_of_storage(request_id: str) -> Ending:
    """Where Lambda's function would find its disk full."""
    bound = FILES_BYTES_MAX // MIB
    ending = exited(request_id, -signal.SIGKILL)
    return ending._replace(line=f"The files of the function have more than {bound} MB.\n{ending.line}")


def response_too_large(request_id: str) -> Ending:
    return _failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({INVOKE_ANSWER_BYTES_MAX} bytes).",
    )


def init_failed(body: bytes | None, error_type: str) -> Ending:
    """The runtime has told itself why: its own body goes to the caller."""
    return Ending(reported(body, error_type), "", f"Status: error\tError Type: {error_type or 'Runtime.Unknown'}")


def reported(body: bytes | None, error_type: str) -> bytes:
    """The payload of an error that the runtime reports; it may have sent no body."""
    return body or orjson.dumps({"errorMessage": "", "errorType": error_type or "Runtime.Unknown"})


def _failure(error_type: str, message: str) -> Ending:
    return Ending(
        orjson.dumps({"errorType": error_type, "errorMessage": message}),
        f"{message}\n{error_type}\n",
        f"Status: error\tError Type: {error_type}",
    )


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()
