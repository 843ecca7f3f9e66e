"""CSV as ImportTable reads it."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.strategies import cut, read

from statordb.exchange.delimited import (
    DELIMITERS,
    MISQUOTED,
    NO_NAME,
    NO_UTF8,
    NOT_CLOSED,
    SAME_NAME,
    CsvOptions,
)
from statordb.exchange.entries import Entry, Fault
from statordb.exchange.reading import Reader

KEYS = {"id": "N", "blob": "B"}


def rows_of(text: str | bytes, options: CsvOptions | None = None) -> list[object]:
    """Items, and texts of faults."""
    data = text.encode() if isinstance(text, str) else text
    return [
        found.item if isinstance(found, Entry) else found.message if isinstance(found, Fault) else found
        for found in read(Reader("CSV", csv=options, key_types=KEYS), [data])
    ]


def test_columns_are_strings_but_for_keys() -> None:
    assert rows_of("id,blob,year\n1,aGk=,1973\n") == [
        {"id": {"N": "1"}, "blob": {"B": "aGk="}, "year": {"S": "1973"}},
    ]


def test_a_header_list_makes_the_first_line_values() -> None:
    options = CsvOptions(header=("id", "title"))
    assert rows_of("1,a\n2,b", options) == [
        {"id": {"N": "1"}, "title": {"S": "a"}},
        {"id": {"N": "2"}, "title": {"S": "b"}},
    ]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_each_delimiter(delimiter: str) -> None:
    options = CsvOptions(delimiter)
    assert rows_of(f'id{delimiter}t\n1{delimiter}"a{delimiter}b"\n', options) == [
        {"id": {"N": "1"}, "t": {"S": f"a{delimiter}b"}}
    ]


def test_quotes_of_the_guide() -> None:
    """Two sets of double quotes within quotes: the text appears as it did."""
    assert rows_of('v,title\n"""123""",Women\'s Full Lenth Dress\n') == [
        {"v": {"S": '"123"'}, "title": {"S": "Women's Full Lenth Dress"}}
    ]


def test_line_endings_marks_and_empty_cells() -> None:
    assert rows_of(b'\xef\xbb\xbfid,t,u\r\n1,,"x\r\ny"\r\n\r\n2,b,c') == [
        {"id": {"N": "1"}, "t": {"S": ""}, "u": {"S": "x\r\ny"}},
        {"id": {"N": "2"}, "t": {"S": "b"}, "u": {"S": "c"}},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('t,u\na"b"c,d\n', MISQUOTED),
        ('t,u\n"a"b,c\n', MISQUOTED),
        ('t\n"a\nb\n', NOT_CLOSED),
        ("t,\na,b\n", NO_NAME),
        ("t,t\na,b\n", SAME_NAME),
        (b"t\n\xff\n", NO_UTF8),
    ],
)
def test_what_is_no_csv_ends_the_object(text: str | bytes, message: str) -> None:
    assert rows_of(text) == [message]


def test_a_row_that_does_not_fit_is_left_out_alone() -> None:
    """Of another number of cells, or with a key that is no number."""
    reader = Reader("CSV", key_types=KEYS)
    found = read(reader, [b"id,t\n1\n2,b,c\nx,y\n3,d\n"])
    assert [type(one) for one in found] == [Fault, Fault, Fault, Entry]
    assert [(one.item_index, one.line, one.stops) for one in found if isinstance(one, Fault)] == [
        (0, 2, False),
        (1, 3, False),
        (2, 4, False),
    ]
    assert not reader.stopped


@settings(max_examples=60)
@given(
    st.sampled_from(DELIMITERS),
    st.lists(st.lists(st.text(alphabet='ab"\n\r,;:|\t é', max_size=6), min_size=2, max_size=2), max_size=5),
    st.lists(st.integers(0, 500), max_size=4),
)
def test_what_python_writes_is_read(delimiter: str, rows: list[list[str]], at: list[int]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    found = read(Reader("CSV", csv=CsvOptions(delimiter)), cut(text.getvalue().encode(), at))
    assert [[cell["S"] for cell in one.item.values()] for one in found if isinstance(one, Entry)] == rows
