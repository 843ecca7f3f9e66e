"""`statordb export`: a table to a file, by a scan in parallel segments."""

import gzip
import os
import queue
import threading
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, cast

import orjson

from statordb.exchange.ion_lines import item_line
from statordb.exchange.json_lines import item_lines
from statordb.exchange.writing import GZIP_LEVEL
from statordb.server.transfer.endpoint import Failed, client_of, told
from statordb.server.transfer.files import kind_of
from statordb.server.transfer.progress import Progress
from statordb.server.transfer.wire import from_sdk

PAGES_MAX = 4  # of each segment that wait to be written

_Page = list[dict[str, Any]] | Failed | None
"""Items; why there are no more; or that a segment is done."""


def run(given: Namespace) -> int:
    """Write the file, whole or not at all. Raises Failed."""
    path = Path(given.file)
    form, compression = kind_of(path, given.format)
    if form == "CSV" or compression == "ZSTD":
        raise Failed("Tables are exported as .json, .jsonl or .ion, and compressed as .gz.")
    client = client_of(given)
    about = told(lambda: client.describe_table(TableName=given.table))["Table"]
    progress = Progress("Exported", about.get("ItemCount", 0))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(draft.open("wb"))
            if compression == "GZIP":
                packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0)
                file = cast(IO[bytes], stack.enter_context(packed))
            _write(client, given, form, file, progress)
        draft.replace(path)
    except OSError as fault:
        raise Failed(f"{path} can't be written: {fault.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    progress.end(f"of {given.table} to {path}")
    return 0


def _write(client: Any, given: Namespace, form: str, file: IO[bytes], progress: Progress) -> None:
    pages: queue.Queue[_Page] = queue.Queue(PAGES_MAX * given.parallel)
    over = threading.Event()
    threads = [
        threading.Thread(target=_scan, args=(client, given, segment, pages, over)) for segment in range(given.parallel)
    ]
    for thread in threads:
        thread.start()
    try:
        left = len(threads)
        while left:
            page = pages.get()
            if isinstance(page, Failed):
                raise page
            if page is None:
                left -= 1
                continue
            texts = [orjson.dumps(from_sdk(item)) for item in page]
            file.write("".join(map(item_line, texts)).encode() if form == "ION" else item_lines(texts))
            progress.add(len(page), len(page))
    finally:
        over.set()
        while any(thread.is_alive() for thread in threads):  # one may wait to hand over a page
            try:
                pages.get(timeout=0.05)
            except queue.Empty:
                pass


def _scan(client: Any, given: Namespace, segment: int, pages: "queue.Queue[_Page]", over: threading.Event) -> None:
    request: dict[str, Any] = {"TableName": given.table, "Segment": segment, "TotalSegments": given.parallel}
    try:
        while not over.is_set():
            answer = told(lambda: client.scan(**request))
            pages.put(answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        pages.put(None)
    except Failed as fault:
        pages.put(fault)
