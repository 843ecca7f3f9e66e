"""The process that reads objects: it unpacks, parses and checks, and gives rows as a table keeps them.

So no event loop stands for a line of some megabytes, what it takes of memory is its own, and it has a core of its own.
It ends with what it reads from.
"""

import os
import sys
from binascii import Error
from typing import BinaryIO

import orjson

from statordb.commands.keys import located_item
from statordb.exchange.delimited import CsvOptions
from statordb.exchange.entries import Entry, Fault
from statordb.exchange.entries import Found as Read
from statordb.exchange.reading import Reader
from statordb.keeper.intake import frames
from statordb.keeper.intake.frames import DATA, END, LENGTH, OBJECT, Derived, Found, Item, Order, Wrong
from statordb.model.errors import ClientError
from statordb.model.schema import KeySchema
from statordb.store import records
from statordb.store.access import PrimaryPath
from statordb.store.image import Image
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.terms import Key

FOUND_BYTES_MIN = 64 << 10  # of rows in one frame, where there are more
NICENESS = 5  # others' requests come first
NO_RECORDS = "The line is of an incremental export, which has no Item"


class Layout:
    """Where a table has an item and its entries. Digests of keys are left as they are: the engine disguises them."""

    __slots__ = ("indexes", "primary", "schema")

    def __init__(self, record: records.TableRecord) -> None:
        self.schema = KeySchema.parse(record.key_schema, record.definitions)
        self.primary = PrimaryPath(record.space, self.schema)
        self.indexes = [
            SecondaryIndex(index, record.definitions, self.primary)
            for index in record.indexes
            if index.status != "DELETING"
        ]


class Intake:
    """Reads objects, one after the other, and tells what it finds."""

    def __init__(self, order: Order, out: BinaryIO) -> None:
        self._order = order
        self._out = out
        record = records.load(order.table)
        self._layout = Layout(record)
        self._key_types = {each["AttributeName"]: each["AttributeType"] for each in record.definitions}
        self._number = -1
        self._reader: Reader | None = None
        self._rows: list[Item] = []
        self._faults: list[Wrong] = []
        self._size = self._items = self._taken = self._unpacked = 0

    def take(self, kind: bytes, content: bytes) -> None:
        """A frame of what is to be read."""
        if kind == OBJECT:
            self._begin()
        elif kind == DATA:
            self._taken += len(content)
            self._read(content)
        elif kind == END:
            self._read(None)

    def _begin(self) -> None:
        order = self._order
        self._number += 1
        self._unpacked = 0
        csv = CsvOptions(order.delimiter, order.header)
        self._reader = Reader(order.input_format, order.compression, csv, self._key_types)

    def _read(self, data: bytes | None) -> None:
        reader = self._reader
        if reader is None:  # it had stopped
            return
        for found in reader.end() if data is None else reader.feed(data):
            self._note(found)
            if self._size >= FOUND_BYTES_MIN:
                self._tell(reader)
        over = data is None or reader.stopped
        self._tell(reader, over)
        if over:
            self._reader = None

    def _note(self, found: list[Read]) -> None:
        self._items += len(found)
        for one in found:
            if isinstance(one, Entry):
                try:
                    self._rows.append(self._row(one))
                except ClientError as fault:
                    self._wrong(one.item_index, 0, fault.message or "", orjson.dumps(one.item))
            elif isinstance(one, Fault):
                self._wrong(one.item_index, one.line, one.message, b"")
            else:
                self._wrong(one.item_index, 0, NO_RECORDS, b"")

    def _wrong(self, index: int, line: int, message: str, item: bytes) -> None:
        self._faults.append((index, line, message, item))
        self._size += len(message) + len(item) + 100

    def _row(self, entry: Entry) -> Item:
        layout = self._layout
        key = located_item(layout, entry.item)
        image = Image.of(entry.item, entry.size)
        entries: list[Derived] = []

        def derive(at: Key, body: bytes | None) -> None:
            assert body is not None, "nothing was there before"
            entries.append((*at, body))
            self._size += len(body)

        if not self._order.conditions:
            for index in layout.indexes:
                index.update(None, image, derive)
        body = image.body
        self._size += len(body) + len(entry.condition)
        return key.partition, key.sort, body, entries, entry.item_index, entry.condition

    def _tell(self, reader: Reader, over: bool = False) -> None:
        unpacked = reader.unpacked_bytes - self._unpacked
        found = Found(self._number, self._rows, self._faults, self._items, self._taken, unpacked, over, reader.stopped)
        self._unpacked = reader.unpacked_bytes
        self._rows, self._faults = [], []
        self._size = self._items = self._taken = 0
        self._out.write(frames.found_frame(found))
        self._out.flush()


def main() -> None:
    os.nice(NICENESS)
    given, out = sys.stdin.buffer, sys.stdout.buffer
    intake: Intake | None = None
    while head := given.read(LENGTH.size):
        content = given.read(LENGTH.unpack(head)[0])
        kind, content = content[:1], content[1:]
        if intake is None:
            intake = Intake(frames.order_of(content), out)
        else:
            intake.take(kind, content)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt, Error):
        os._exit(1)
