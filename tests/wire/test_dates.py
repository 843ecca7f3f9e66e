"""The date of a claim."""

import subprocess
import sys

import pytest
from tests.pace import HANGS_SECONDS

from statordb.model.errors import ClientError
from statordb.wire.claim import parse_date


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("19700101T000000Z", 0), ("20260101T000000Z", 1_767_225_600), ("20240229T235959Z", 1_709_251_199)],
)
def test_a_basic_date(text: str, seconds: int) -> None:
    assert parse_date(text) == (text, seconds)


@pytest.mark.parametrize("text", ["20250229T000000Z", "20251301T000000Z", "20250101T240000Z", "00000101T000000Z"])
def test_a_date_that_is_none(text: str) -> None:
    with pytest.raises(ClientError, match="IncompleteSignature"):
        parse_date(text)


@pytest.mark.slow  # a process of its own, where nothing is imported yet
def test_the_first_request_imports_nothing_for_it() -> None:
    """The event loop would stand while it does."""
    program = (
        "import sys; from statordb.wire.claim import parse_date; known = set(sys.modules);"
        "parse_date('20260101T000000Z'); print(set(sys.modules) - known)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANGS_SECONDS, check=True
    )
    assert done.stdout.strip() == "set()"
