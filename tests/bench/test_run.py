"""The command line."""

from pathlib import Path

import pytest

from run import COMPARISONS, arguments, options


def test_all_comparisons_by_default() -> None:
    assert arguments([]).only == list(COMPARISONS)


def test_an_unknown_comparison_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--only", "floor,ceiling"])
    assert "no comparison is called ceiling" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "rounds", "seconds", "items"),
    [
        ([], 3, 4, 1_000_000),
        (["--quick"], 1, 2, 100_000),
        (["--full"], 3, 4, 10_000_000),
        (["--quick", "--rounds", "5"], 5, 2, 100_000),
    ],
)
def test_how_much_is_measured(words: list[str], rounds: int, seconds: int, items: int) -> None:
    chosen = options(arguments(words), Path("work"))
    assert (chosen.rounds, chosen.seconds, chosen.large_items) == (rounds, seconds, items)
