"""How a test says which error answer it expects."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError


class Refusal:
    """The error answer, once the block has ended: `response` as botocore gives it, with the error's own members."""

    response: dict[str, Any]


@contextmanager
def refused(code: str, words: str = "") -> Iterator[Refusal]:
    """The block must end in an error answer of this code, HTTP status 400, its message matching the pattern `words`."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    refusal.response = dict(caught.value.response)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert re.search(words, error["Message"]), error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def invalid(words: str = "") -> Any:
    """The refusal that most wrong requests get."""
    return refused("ValidationException", words)
