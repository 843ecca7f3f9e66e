"""What is wrong with a command line or a price sheet is said in a sentence."""

from pathlib import Path

import pytest

from statordb.server.main import main


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has its process log in its own way, which the process of the tests outlives."""
    monkeypatch.setattr("statordb.server.logs.configure", lambda *_: None)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 2
    sentence: str = capsys.readouterr().err
    return sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--month", "2026-13"), "'2026-13' is not a month, such as 2026-11."),
        (("--month", "9000-01"), "The month 9000-01 has not begun."),
        (("--account", "1"), "The value '1' of account is not an account of 12 digits."),
        (("--table", "a/b"), "The value 'a/b' of table is not the name of a table."),
        (("--prices", "/none.json"), "The price sheet /none.json can't be read: No such file or directory."),
        (("--data", "/none"), "There is no store in /none."),
        (("--tabel", "x"), "Unrecognized arguments: --tabel x: is --table meant? (see statordb bill --help)."),
    ],
)
def test_a_bill_that_can_not_be(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str) -> None:
    assert said(capsys, "bill", *options) == f"statordb: {sentence}\n"


@pytest.mark.parametrize(
    "command", [("bill",), ("verify",), ("keys", "rotate"), ("credentials", "list"), ("credentials", "delete", "AKIAX")]
)
def test_where_there_is_no_store_none_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert said(capsys, *command, "--data", str(tmp_path)) == f"statordb: There is no store in {tmp_path}.\n"
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_sheet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.json"
    sheet.write_text('{"format": 1, "regions": 7}')
    fault = "usage_types is not an object of at most 500 members"
    assert said(capsys, "bill", "--prices", str(sheet)) == f"statordb: The file {sheet} is no price sheet: {fault}.\n"


def test_the_environment_may_name_the_sheet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATORDB_PRICES", "/none.json")
    assert "/none.json can't be read" in said(capsys, "bill")


def test_a_server_with_a_bad_sheet_does_not_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATORDB_PRICES", "/none.json")
    sentence = said(capsys, "serve", "--memory", "--port", "0", "--admin-port", "0")
    assert sentence.endswith("statordb: The price sheet /none.json can't be read: No such file or directory.\n")
