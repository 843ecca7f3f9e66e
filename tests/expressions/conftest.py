"""What all tests of expressions use: Python values to wire values, and the message of a refusal."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from statordb.model.errors import ClientError


def _wire(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bytes):
        return {"B": b64encode(value).decode()}
    if value is None:
        return {"NULL": True}
    if isinstance(value, list):
        return {"L": [_wire(each) for each in value]}
    if isinstance(value, dict):
        return {"M": {name: _wire(each) for name, each in value.items()}}
    members = sorted(value)
    return {"NS": [str(each) for each in members]} if isinstance(members[0], int) else {"SS": members}


@pytest.fixture(scope="session")
def wire() -> Callable[[Any], dict[str, Any]]:
    """A Python value as a wire value; a set is of strings or of numbers."""
    return _wire


@pytest.fixture(scope="session")
def item() -> Callable[..., dict[str, Any]]:
    """`item(a=1, b="x")`: a wire item."""
    return lambda **attributes: {name: _wire(value) for name, value in attributes.items()}


@pytest.fixture(scope="session")
def refusal() -> Callable[[Callable[[], object]], str | None]:
    """The message of the ValidationException that a call raises."""

    def message(call: Callable[[], object]) -> str | None:
        with pytest.raises(ClientError) as raised:
            call()
        assert raised.value.code == "ValidationException"
        return raised.value.message

    return message
