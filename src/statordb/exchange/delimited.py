"""CSV, as ImportTable reads it: rows to items.

The columns of keys, of the table and of its indexes, have the type of the key, and all others are strings. Cells may be
quoted as RFC 4180 has it: `""` is a quote, and a quoted cell may hold delimiters and newlines. An empty cell is an
empty string. Source: developer guide, "Amazon S3 import formats for DynamoDB"; service model, CsvOptions.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from statordb.exchange.entries import Entry, Unfit, Unreadable, checked
from statordb.model.limits import EXCHANGE_LINE_BYTES_MAX, ITEM_BYTES_MAX

DELIMITERS = ",;:|\t "

MISQUOTED = "A double quote is not escaped"
NOT_CLOSED = "A quoted cell is not closed"
TOO_LONG = f"A row is longer than {EXCHANGE_LINE_BYTES_MAX} bytes"
NO_UTF8 = "The row is not UTF-8"
NO_NAME = "A column of the header has no name"
SAME_NAME = "Two columns of the header have one name"
LONG_HEADER = "The names of the header are longer than an item may be"

_MARK = b"\xef\xbb\xbf"  # of UTF-8, that some tools put in front
_CELLS = {
    delimiter: re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"{re.escape(delimiter)}]*))({re.escape(delimiter)}|\Z)')
    for delimiter in DELIMITERS
}


class CsvOptions(NamedTuple):
    """`header`: the names of the columns; None: the first row has them."""

    delimiter: str = ","
    header: tuple[str, ...] | None = None


class Rows:
    """The rows of one object. `key_types`: of the attributes of keys, S, N or B."""

    def __init__(self, options: CsvOptions, key_types: Mapping[str, str]) -> None:
        self._delimiter = options.delimiter
        self._key_types = key_types
        self._columns: list[tuple[str, str]] | None = None
        self._held: list[bytes] = []  # lines of a row that goes on behind them
        self._size = 0
        self._first = True
        if options.header is not None:
            self._columns = self._named(list(options.header))

    @property
    def incomplete(self) -> bool:
        """Whether a quoted cell is open."""
        return bool(self._held)

    def read_line(self, line: bytes, index: int) -> Entry | None:
        """The item that ends with this line; None: it is the header, or the row goes on. Raises Unreadable, and Unfit
        for a row that is no item."""
        if self._first:
            line = line.removeprefix(_MARK)
            self._first = False
        row = self._row(line)
        if row is None:
            return None
        cells = _split(row.removesuffix("\r"), self._delimiter)
        columns = self._columns
        if columns is None:
            self._columns = self._named(cells)
            return None
        if len(cells) != len(columns):
            raise Unfit(f"The row has {len(cells)} cells, where the header has {len(columns)}")
        item = {name: {tag: cell} for (name, tag), cell in zip(columns, cells, strict=True)}
        return Entry(index, *checked(item))

    def _row(self, line: bytes) -> str | None:
        """The row that a line ends, from behind a newline that is not within quotes."""
        odd = line.count(b'"') & 1
        if self._held or odd:
            self._size += len(line) + 1
            if self._size > EXCHANGE_LINE_BYTES_MAX:
                raise Unreadable(TOO_LONG)
            ends = bool(self._held) and odd
            self._held.append(line)
            if not ends:
                return None
            line = b"\n".join(self._held)
            self._held = []
            self._size = 0
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise Unreadable(NO_UTF8) from None

    def _named(self, names: list[str]) -> list[tuple[str, str]]:
        if not all(names):
            raise Unreadable(NO_NAME)
        if len(set(names)) != len(names):
            raise Unreadable(SAME_NAME)
        if sum(map(len, names)) > ITEM_BYTES_MAX:
            raise Unreadable(LONG_HEADER)
        return [(name, self._key_types.get(name, "S")) for name in names]


def _split(row: str, delimiter: str) -> list[str]:
    if '"' not in row:
        return row.split(delimiter)
    cells = []
    match = _CELLS[delimiter].match
    at = 0
    while True:
        found = match(row, at)
        if found is None:
            raise Unreadable(MISQUOTED)
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return cells
        at = found.end()
