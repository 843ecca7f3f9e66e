"""The command line."""

from pathlib import Path

import pytest

from run import COMPARISONS, ENGINES, arguments, options


def test_all_comparisons_by_default() -> None:
    assert arguments([]).only == list(COMPARISONS)


def test_an_unknown_comparison_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--only", "floor,ceiling"])
    assert "no comparison is called ceiling" in capsys.readouterr().err


def test_an_engine_has_comparisons_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments(["--engine", "cassandra"]).only == list(ENGINES["cassandra"])
    with pytest.raises(SystemExit):
        arguments(["--engine", "cassandra", "--only", "floor"])
    assert "no comparison is called floor" in capsys.readouterr().err


def test_a_cluster_that_is_there_is_taken() -> None:
    words = ["--engine", "cassandra", "--cassandra", "10.0.0.1,10.0.0.2", "--datacenter", "east"]
    chosen = options(arguments(words), Path("work"))
    assert (chosen.hosts, chosen.datacenter) == (("10.0.0.1", "10.0.0.2"), "east")


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
