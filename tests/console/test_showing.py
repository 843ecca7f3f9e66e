"""What is shown is what there is."""

import pytest

from statordb.console.guard import is_own_name
from statordb.console.showing import document, is_plain, short, value, visible


@pytest.mark.parametrize("character", ["\x00", "\u202e", "\u2066", "\u200b", "\ufeff", "\x1b", "\u2028"])
def test_what_nobody_would_see_is_spelled_out(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\u{ord(character):04x}b"
    assert document({"S": character}) == f'{{"S": "\\u{ord(character):04x}"}}'
    assert not is_plain(character)


def test_numbers_keep_their_digits() -> None:
    digits = "12345678901234567890123456789012345678"
    assert value({"N": digits}) == digits
    assert value({"L": [{"N": digits}]}) == f'[{{"N": "{digits}"}}]'


def test_long_texts_are_cut() -> None:
    assert len(short("x" * 400_000)) < 100


@pytest.mark.parametrize(
    ("host", "is_own"),
    [("localhost", True), ("127.0.0.1:8001", True), ("[::1]:8001", True), ("db.localhost", True), ("db.example", True),
     ("8.8.8.8", False), ("0.0.0.0", False), ("evil.example", False), ("localhost.", False), ("", False)],
)  # fmt: skip
def test_names_of_this_machine(host: str, is_own: bool) -> None:
    assert is_own_name(host, {"db.example"}) is is_own
