"""What the launcher may be asked, and how that is written: one JSON object a message, on a SOCK_SEQPACKET socket.

    {"id": 1, "ask": "take", "home": ..., "account": ..., "code": ..., "directory": ..., "memory_mb": ...}
    {"id": 2, "ask": "start", "home": ..., "kind": ..., "handler": ..., "environment": {...}}
    {"id": 3, "ask": "signal", "home": ..., "number": 15}
    {"id": 4, "ask": "measure", "home": ..., "pids": [...]}
    {"id": 5, "ask": "clear", "home": ...}

With "start" comes the writing end of a pipe. Answers are {"id": 1, "user": ...}, {"id": 2, "pid": ...},
{"id": 4, "memory": bytes, "files": bytes}, {"id": 5}, or
{"id": ..., "refused": sentence}; a process that has ended is told by {"ended": home, "code": ...}. Whoever asks may
have been taken over, so what is not exactly one of these is refused.
"""

import json
import os
import re
import signal
from typing import Any, NamedTuple

MESSAGE_BYTES_MAX = 64 * 1024
HANDLER_CHARACTERS_MAX = 256
VARIABLES_MAX = 1024
MEMORY_MB_MAX = 10_240  # Lambda's most
PATH_CHARACTERS_MAX = 4096
PIDS_MAX, PID_MAX = 2048, 1 << 22  # processes of one instance, and their numbers: linux/threads.h
KINDS = ("python", "node", "bootstrap")
SIGNALS = (signal.SIGTERM, signal.SIGKILL)
_HOME, _DIGEST = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")


class Refused(Exception):
    """The launcher does not do that; args[0] is a sentence."""


class Take(NamedTuple):
    """Get a directory, a user and a group ready for one process. `account`: a digest of its name. `code`: the name of a
    package's directory, or None where `directory` is what has the code."""

    home: str
    account: str
    code: str | None
    directory: str | None
    memory_mb: int


class Start(NamedTuple):
    """Begin the process in what was taken."""

    home: str
    kind: str
    handler: str
    environment: dict[str, str]


class Signal(NamedTuple):
    home: str
    number: int


class Measure(NamedTuple):
    """How much memory and disk it has. `pids`: its processes, as far as the server knows them."""

    home: str
    pids: list[int]


class Clear(NamedTuple):
    """End all that is left of it, and take its files away."""

    home: str


Asked = Take | Start | Signal | Measure | Clear
_ASKED: dict[str, type[Asked]] = {"take": Take, "start": Start, "signal": Signal, "measure": Measure, "clear": Clear}


def read(message: bytes) -> tuple[int, Asked]:
    """The number of a request, and what it asks. Raises Refused."""
    try:
        told = json.loads(message)
        number, kind = told.pop("id"), _ASKED[told.pop("ask")]
        if type(number) is not int or told.keys() != set(kind._fields):
            raise Refused("It has other members than a request has.")
        asked = kind(**told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("It is no request.") from None
    if not _is_named(_HOME, asked.home) or not _is_valid(asked):
        raise Refused("A member of the request is none that it may have.")
    return number, asked


def write(fields: dict[str, Any]) -> bytes:
    """A message. Raises Refused for one that is too long."""
    message = json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogateescape")
    if len(message) > MESSAGE_BYTES_MAX:
        raise Refused(f"It has more than {MESSAGE_BYTES_MAX} bytes.")
    return message


def _is_valid(asked: Asked) -> bool:
    match asked:
        case Take():
            return _is_take(asked)
        case Start():
            return (
                asked.kind in KINDS
                and _is_text(asked.handler, HANDLER_CHARACTERS_MAX)
                and isinstance(asked.environment, dict)
                and len(asked.environment) <= VARIABLES_MAX
                and all(_is_variable(name, value) for name, value in asked.environment.items())
            )
        case Signal():
            return type(asked.number) is int and asked.number in SIGNALS
        case Measure():
            return (
                isinstance(asked.pids, list)
                and len(asked.pids) <= PIDS_MAX
                and all(type(pid) is int and 0 < pid < PID_MAX for pid in asked.pids)
            )
        case Clear():
            return True


def _is_take(asked: Take) -> bool:
    if not _is_named(_DIGEST, asked.account) or type(asked.memory_mb) is not int:
        return False
    if not 0 < asked.memory_mb <= MEMORY_MB_MAX or (asked.code is None) == (asked.directory is None):
        return False
    if asked.directory is None:
        return _is_named(_DIGEST, asked.code)
    return _is_text(asked.directory, PATH_CHARACTERS_MAX) and asked.directory.startswith("/")


def _is_named(pattern: re.Pattern[str], name: object) -> bool:
    return isinstance(name, str) and pattern.fullmatch(name) is not None


def _is_text(text: object, characters_max: int) -> bool:
    """Whether the system can be given it: as a path, a word or a variable."""
    if not isinstance(text, str) or len(text) > characters_max or "\0" in text:
        return False
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def _is_variable(name: str, value: object) -> bool:
    return bool(name) and "=" not in name and _is_text(name, MESSAGE_BYTES_MAX) and _is_text(value, MESSAGE_BYTES_MAX)
