"""The table as text."""

from figures import Line, Target
from report import CLUSTER_HEADING, HEADER, cells, cluster_page, markdown, page, plain

MET = Line(
    "floor", "GetItem", "StatorDB", 30_000, p50_ms=0.5, p99_ms=1.25, ratio=0.61, against="floor", target=Target(0.6)
)
ABSENT = Line("peers", "all", "dynoxide", note="not installed: no cargo | at all")


def test_a_measured_line() -> None:
    expected = ("floor", "GetItem", "StatorDB", "30,000 req/s", "0.50", "1.25", "0.61 floor", "at least 0.6", "met")
    assert cells(MET) == expected


def test_a_server_that_was_not_there_says_why() -> None:
    assert cells(ABSENT)[3:] == ("", "", "", "", "", "not installed: no cargo | at all")


def test_small_values_keep_their_decimals_and_unit() -> None:
    line = Line("footprint", "start", "StatorDB", 0.314, "s", target=Target(0.5, "value", at_most=True))
    assert cells(line)[3] == "0.31 s"
    assert cells(line)[7] == "at most 0.5 s"


def test_groups_are_ruled_off() -> None:
    text = plain([MET, MET, ABSENT]).splitlines()
    assert [row.startswith("---") for row in text] == [False, True, False, False, True, False]


def test_markdown_has_one_row_a_line_and_escapes_bars() -> None:
    rows = markdown([MET, ABSENT]).splitlines()
    assert len(rows) == 4
    assert all(row.replace("\\|", "").count("|") == len(HEADER) + 1 for row in rows)


def test_the_page_says_how_it_was_made() -> None:
    text = page("", [MET], "Taken on a day.", "python bench/run.py", rounds=3, seconds=4)
    assert "Taken on a day." in text
    assert "`python bench/run.py`" in text
    assert "4 s each; rounds: 3" in text


def test_either_half_of_the_page_is_written_without_the_other() -> None:
    # The two take long, and are measured on different days.
    text = ""
    for turn in ("first", "second"):
        text = cluster_page(text, [MET], f"A cluster's {turn}.", "command", rounds=3, seconds=4)
        text = page(text, [MET], f"A server's {turn}.", "command", rounds=3, seconds=4)
        assert text.count(CLUSTER_HEADING) == 1
        assert text.index(f"A server's {turn}.") < text.index(CLUSTER_HEADING) < text.index(f"A cluster's {turn}.")
    assert "first." not in text
