"""What a launcher reads: whoever writes it may have been taken over."""

import json
from typing import Any

import pytest

from statordb.launcher import requests
from statordb.launcher.requests import MESSAGE_BYTES_MAX, Clear, Measure, Refused, Signal, Start, Take

HOME, DIGEST = "0" * 32, "a" * 64
TAKE = {"id": 1, "ask": "take", "home": HOME, "account": DIGEST, "code": DIGEST, "directory": None, "memory_mb": 128}
START = {"id": 2, "ask": "start", "home": HOME, "kind": "python", "handler": "a.b", "environment": {"A": "b=c"}}


def read(fields: Any) -> tuple[int, requests.Asked]:
    return requests.read(json.dumps(fields).encode())


def test_what_a_server_asks_is_read() -> None:
    assert read(TAKE) == (1, Take(HOME, DIGEST, DIGEST, None, 128))
    assert read(START) == (2, Start(HOME, "python", "a.b", {"A": "b=c"}))
    assert read({"id": 3, "ask": "signal", "home": HOME, "number": 15}) == (3, Signal(HOME, 15))
    assert read({"id": 4, "ask": "measure", "home": HOME, "pids": [7]}) == (4, Measure(HOME, [7]))
    assert read({"id": 5, "ask": "clear", "home": HOME}) == (5, Clear(HOME))


@pytest.mark.parametrize("pids", [None, "1", ["1"], [0], [-1], [1 << 40], [1.0], [True], [1] * 3000])
def test_processes_are_told_by_number(pids: Any) -> None:
    with pytest.raises(Refused):
        read({"id": 4, "ask": "measure", "home": HOME, "pids": pids})


@pytest.mark.parametrize(
    "fields",
    [
        {"home": "../x"}, {"home": HOME + "\n"}, {"home": None}, {"home": HOME[1:]}, {"home": [HOME]},
        {"account": "1"}, {"code": "../" + DIGEST[3:]}, {"code": None}, {"directory": "/srv"},
        {"code": None, "directory": "srv"}, {"code": None, "directory": "/srv\0"}, {"code": None, "directory": 1},
        {"code": None, "directory": "/\ud800"},
        {"memory_mb": 0}, {"memory_mb": True}, {"memory_mb": 10**6}, {"memory_mb": "128"}, {"id": "1"}, {"id": True},
        {"ask": "exec"}, {"ask": None}, {"user": 0},
    ],
)  # fmt: skip
def test_what_is_not_exactly_that_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read(TAKE | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "/bin/sh"}, {"kind": ["python"]}, {"handler": "x" * 257}, {"handler": "a\0b"}, {"handler": None},
        {"handler": "\udfff.a"}, {"environment": {"A": "\ud800"}}, {"environment": {"\ud800": "A"}},
        {"environment": []}, {"environment": {"A": 1}}, {"environment": {"A=B": "c"}}, {"environment": {"": "c"}},
        {"environment": {"A": "\0"}}, {"environment": {f"V{number}": "" for number in range(1025)}},
        {"words": ["/bin/sh"]},
    ],
)  # fmt: skip
def test_programs_and_words_are_none_of_the_servers_to_choose(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read(START | fields)


@pytest.mark.parametrize("number", [0, 1, 19, -9, 9.0, True, "9"])
def test_only_signals_that_end_are_sent(number: Any) -> None:
    with pytest.raises(Refused):
        read({"id": 3, "ask": "signal", "home": HOME, "number": number})


@pytest.mark.parametrize("message", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 5000, b'{"id": 1}', b'{"ask": "take"}'])
def test_what_is_no_request_is_refused(message: bytes) -> None:
    with pytest.raises(Refused):
        requests.read(message)


def test_a_message_has_a_bound() -> None:
    with pytest.raises(Refused):
        requests.write({"environment": {"A": "x" * MESSAGE_BYTES_MAX}})
