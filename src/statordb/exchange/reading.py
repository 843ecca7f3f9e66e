"""The objects of an import, read as they come: bytes in, items, records and faults out.

    reader = Reader("DYNAMODB_JSON", "GZIP")
    for found in reader.feed(data): ...     # lists of what was found, some of them empty
    for found in reader.end(): ...

Each step unpacks and parses at most EXCHANGE_SLICE_BYTES of text, or what is left of a longer line; who reads looks at
the clock between two.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from statordb.exchange import ion_reader, json_lines
from statordb.exchange.delimited import NOT_CLOSED, CsvOptions, Rows
from statordb.exchange.entries import Entry, Fault, Found, Record, Unfit, Unreadable
from statordb.exchange.lines import Lines
from statordb.exchange.packing import UNPACKERS

ReadLine = Callable[[bytes, int], Entry | Record | None]
"""(line, index) -> what it holds; None: nothing yet."""

_NO_KEYS: Mapping[str, str] = MappingProxyType({})


class Reader:
    """Of one object. `input_format` and `compression` are ImportTable's; `csv` and `key_types` (S, N or B of the
    attributes of keys) matter to CSV alone.

    Once `stopped`, there is nothing more to be had of the object, and the last that was found is the fault which says
    why.
    """

    def __init__(
        self,
        input_format: str,
        compression: str = "NONE",
        csv: CsvOptions | None = None,
        key_types: Mapping[str, str] = _NO_KEYS,
    ) -> None:
        self._unpacker = UNPACKERS[compression]()
        self._lines = Lines()
        self._rows = Rows(csv or CsvOptions(), key_types) if input_format == "CSV" else None
        self._read_line: ReadLine = self._rows.read_line if self._rows else _READ_LINE[input_format]
        self._index = 0
        self._line = 0
        self.stopped = False
        self.unpacked_bytes = 0

    def feed(self, data: bytes) -> Iterator[list[Found]]:
        """What the next bytes of the object hold. To be exhausted before the next ones are fed."""
        texts = self._unpacker.feed(data)
        while not self.stopped:
            try:
                text = next(texts, None)
                if text is None:
                    return
                self.unpacked_bytes += len(text)
                lines = self._lines.cut(text)
            except Unreadable as fault:
                yield [self._stop(fault)]
                return
            yield self._found(lines)

    def end(self) -> Iterator[list[Found]]:
        """What is behind the last newline, and what is missing."""
        if self.stopped:
            return
        try:
            self._unpacker.end()
        except Unreadable as fault:
            yield [self._stop(fault)]
            return
        yield self._found([self._lines.rest()])
        if self._rows is not None and self._rows.incomplete and not self.stopped:
            yield [self._stop(Unreadable(NOT_CLOSED))]

    def _found(self, lines: list[bytes]) -> list[Found]:
        found: list[Found] = []
        for line in lines:
            self._line += 1
            if not line.strip() and not (self._rows and self._rows.incomplete):
                continue
            try:
                entry = self._read_line(line, self._index)
            except Unfit as fault:
                found.append(Fault(self._index, self._line, str(fault), False))
            except Unreadable as fault:
                found.append(self._stop(fault))
                break
            else:
                if entry is None:
                    continue
                found.append(entry)
            self._index += 1
        return found

    def _stop(self, fault: Unreadable) -> Fault:
        self.stopped = True
        return Fault(self._index, self._line, str(fault), True)


_READ_LINE: dict[str, ReadLine] = {"DYNAMODB_JSON": json_lines.read_line, "ION": ion_reader.read_line}
