"""What the tests of running functions invoke: each handler does one thing, good or bad."""

import ctypes
import os
import signal
import subprocess
import sys
import time

CALLS = 0


def echo(event, context):
    return event


def count(event, context):
    """How often this process was invoked, and which it is."""
    global CALLS
    CALLS += 1
    return {"calls": CALLS, "pid": os.getpid()}


def describe(event, context):
    return {
        "environment": dict(os.environ),
        "cwd": os.getcwd(),
        "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "custom": context.client_context.custom if context.client_context else None,
        "temporary": os.listdir(os.environ["TMPDIR"]),
        "session": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    }


def speak(event, context):
    print("said", event["word"])
    print("and to stderr", file=sys.stderr)
    return None


def fail(event, context):
    raise ValueError("no good")


def leave(event, context):
    os._exit(event["code"])


def die(event, context):
    os.kill(os.getpid(), signal.SIGSEGV)


def nap(event, context):
    """Say which process this is, once there is the file `until` if one is named; make the file `begun` first."""
    if "begun" in event:
        open(event["begun"], "w").close()
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.005)
    return os.getpid()


def hang_deaf(event, context):
    """Hang without a way to be asked to stop, and with children: one in the group, one that has left it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ours = subprocess.Popen(["sleep", "600"])
    gone = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open(event["pids"], "w") as told:
        told.write(f"{os.getpid()} {ours.pid} {gone.pid}")
    time.sleep(600)


def swell(event, context):
    kept = bytearray(event["bytes"])
    ctypes.memset((ctypes.c_char * len(kept)).from_buffer(kept), 1, len(kept))
    time.sleep(event.get("seconds", 0))
    return len(kept)


def large(event, context):
    return "x" * event["bytes"]


def shout(event, context):
    """Print megabytes."""
    line = b"x" * 99 + b"\n"
    for _ in range(event["megabytes"]):
        os.write(1, line * 10_000)
    print("last words")
    return "done"


def shut(event, context):
    os.close(1)
    os.close(2)
    return "shut"
