"""`statordb import`: a file, or an AWS export as it was copied, to a table, by batches of writes side by side."""

import random
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from statordb.exchange.delimited import DELIMITERS, CsvOptions, Rows
from statordb.exchange.entries import Entry, Fault, Record, Unreadable
from statordb.exchange.reading import Reader
from statordb.model.limits import BATCH_WRITE_REQUESTS_MAX, MIB
from statordb.model.values import Item, item_size
from statordb.server.transfer.endpoint import ATTEMPTS_MAX, Failed, Invalid, client_of, told
from statordb.server.transfer.files import Source, sources_of
from statordb.server.transfer.progress import Progress
from statordb.server.transfer.wire import for_sdk

EXIT_LEFT_OUT = 1
FAULTS_SHOWN_MAX = 20
BATCH_BYTES_MAX = 2 * MIB  # of items; as JSON, a batch may not have more than 16
PAUSE_SECONDS = 0.05  # before what was left unprocessed is sent again; twice as long each time
PAUSE_SECONDS_MAX = 5.0


class Write(NamedTuple):
    """One of a batch. `where`: it is, for the terminal. `item` is None for the deletion of `key`. `size`: of the
    item, in bytes."""

    where: str
    key: Item
    item: Item | None
    size: int

    def request(self) -> dict[str, Any]:
        """As BatchWriteItem has it."""
        if self.item is None:
            return {"DeleteRequest": {"Key": for_sdk(self.key)}}
        return {"PutRequest": {"Item": for_sdk(self.item)}}


def run(given: Namespace) -> int:
    """Import; 1 if something was left out. Raises Failed."""
    path = Path(given.file)
    if not path.exists():
        raise Failed(f"There is no {path}.")
    client = client_of(given)
    table = told(lambda: client.describe_table(TableName=given.table))["Table"]
    try:
        sources = sources_of(path, given.format)
        progress = Progress("Imported", sum(source.path.stat().st_size for source in sources))
        job = _Import(client, given, table, progress)
        job.run(sources)
    except OSError as fault:
        raise Failed(f"{fault.filename or path} can't be read: {fault.strerror}.") from None
    if job.faults > FAULTS_SHOWN_MAX:
        progress.say(f"... and {job.faults - FAULTS_SHOWN_MAX} more.")
    progress.end(f"from {path} to {given.table}" + (f", {job.faults} left out" if job.faults else ""))
    return EXIT_LEFT_OUT if job.faults else 0


class Written(NamedTuple):
    """What became of a batch: how many were written, and which were refused, with the reason."""

    writes: int
    refused: list[tuple[Write, str]]


class _Import:
    """What is under way."""

    def __init__(self, client: Any, given: Namespace, table: dict[str, Any], progress: Progress) -> None:
        self._client = client
        self._table = given.table
        self._parallel = given.parallel
        self._key_types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
        self._keys = [element["AttributeName"] for element in table["KeySchema"]]
        header = getattr(given, "header", None)
        self._csv = CsvOptions(given.delimiter, tuple(header.split(",")) if header else None)
        try:
            Rows(self._csv, self._key_types)
        except Unreadable as fault:
            raise Failed(f"The value {header!r} of --header can't be: {fault}.") from None
        self._progress = progress
        self.faults = 0

    def run(self, sources: list[Source]) -> None:
        """Batches are written side by side, none of them twice the same key; which of two batches comes last is left
        open, as on AWS."""
        running: set[Future[Written]] = set()
        with ThreadPoolExecutor(self._parallel) as pool:
            try:
                for batch in self._batches(sources):
                    running.add(pool.submit(self._write, batch))
                    if len(running) > 2 * self._parallel:
                        running = self._collect(running, FIRST_COMPLETED)
                self._collect(running)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _collect(self, running: set["Future[Written]"], when: str = "ALL_COMPLETED") -> set["Future[Written]"]:
        done, running = wait(running, return_when=when)
        for future in done:
            written, refused = future.result()
            self._progress.add(written, 0)
            for write, message in refused:
                self._leave_out(f"{write.where}: {message}")
        return running

    def _batches(self, sources: list[Source]) -> Iterator[list[Write]]:
        batch: dict[str, Write] = {}
        size = 0
        for source in sources:
            for write in self._writes(source):
                key = repr([write.key.get(name) for name in self._keys])
                size += write.size
                if batch and (len(batch) == BATCH_WRITE_REQUESTS_MAX or size > BATCH_BYTES_MAX or key in batch):
                    yield list(batch.values())
                    batch, size = {}, write.size
                batch[key] = write
        if batch:
            yield list(batch.values())

    def _writes(self, source: Source) -> Iterator[Write]:
        reader = Reader(source.input_format, source.compression, self._csv, self._key_types)
        name, count = source.path.name, 0
        for piece in source.pieces():
            self._progress.add(0, len(piece))
            for found in reader.feed(piece):
                count += len(found)
                yield from self._wanted(name, found)
            if reader.stopped:
                break
        for found in reader.end():
            count += len(found)
            yield from self._wanted(name, found)
        if source.manifest is not None and count != source.manifest.item_count:
            self._leave_out(f"{name}: {count} items, where its manifest says {source.manifest.item_count}")

    def _wanted(self, name: str, found: list[Entry | Record | Fault]) -> Iterator[Write]:
        for one in found:
            if isinstance(one, Fault):
                rest = "; the rest of the file is left out" if one.stops else ""
                self._leave_out(f"{name}, line {one.line}: {one.message}{rest}")
            elif isinstance(one, Entry):
                yield Write(f"{name}, item {one.item_index + 1}", one.item, one.item, one.size)
            else:
                yield Write(f"{name}, item {one.item_index + 1}", one.keys, one.new, item_size(one.new or {}))

    def _leave_out(self, line: str) -> None:
        self.faults += 1
        if self.faults <= FAULTS_SHOWN_MAX:
            self._progress.say(line)

    def _write(self, batch: list[Write]) -> Written:
        """In a thread of the pool. Raises Failed."""
        left = [write.request() for write in batch]
        pause = PAUSE_SECONDS
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = told(partial(self._client.batch_write_item, RequestItems={self._table: left}))
            except Invalid:
                return self._write_singly(batch)
            unprocessed = answer.get("UnprocessedItems", {}).get(self._table)
            if not unprocessed:
                return Written(len(batch), [])
            if len(unprocessed) < len(left):
                pause = PAUSE_SECONDS
            left = unprocessed
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(PAUSE_SECONDS_MAX, pause * 2)
        raise Failed(f"{len(left)} writes to {self._table} were left unprocessed {ATTEMPTS_MAX} times.")

    def _write_singly(self, batch: list[Write]) -> Written:
        """One of a batch that is refused refuses all of it."""
        refused = []
        for write in batch:
            try:
                told(partial(self._write_one, write))
            except Invalid as fault:
                refused.append((write, fault.message))
        return Written(len(batch) - len(refused), refused)

    def _write_one(self, write: Write) -> None:
        if write.item is None:
            self._client.delete_item(TableName=self._table, Key=for_sdk(write.key))
        else:
            self._client.put_item(TableName=self._table, Item=for_sdk(write.item))


def must_be_delimiter(text: str) -> str:
    """Of the command line."""
    found = {"tab": "\t", "space": " ", "\\t": "\t"}.get(text, text)
    if len(found) != 1 or found not in DELIMITERS:
        raise Failed(f"The delimiter {text!r} is none of , ; : | tab space.")
    return found
