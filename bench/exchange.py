"""How many items a second leave and come in, by one core: lines, their packing and their checks, without a store."""

import gzip
import random
import time
from collections.abc import Callable, Iterator

import orjson
from backports import zstd

from figures import Line, Target
from statordb.exchange.reading import Reader
from statordb.exchange.writing import GZIP_LEVEL, Writer
from statordb.model.values import item_size
from turns import Bench

GROUP = "export and import, one core, without a store"
SERVER = "StatorDB"
FORMATS = ("DYNAMODB_JSON", "ION")
LEVELS = (1, GZIP_LEVEL, 9)
ITEMS = 30_000
BATCH = 100  # items handed to a writer at a time
PIECE_BYTES = 64 * 1024  # of an object, as it comes
GOAL = Target(50_000, of="value")  # items a second: DYNAMODB_JSON, with the level of gzip that exports have


def exchange(bench: Bench) -> Iterator[Line]:
    """A line for each format and compression, written and read."""
    texts = items(ITEMS)
    size = sum(item_size(orjson.loads(text)) for text in texts) / ITEMS
    for form in FORMATS:
        for level in LEVELS:
            bench.say(f"writing {form}, gzip level {level}")
            found = rate(bench, lambda form=form, level=level: written(form, level, texts))
            each = len(written(form, level, texts)) / ITEMS
            note = f"items of {size:.0f} bytes; {each:.0f} packed"
            target = GOAL if (form, level) == (FORMATS[0], GZIP_LEVEL) else None
            yield Line(GROUP, f"write {form}, gzip {level}", SERVER, found, "items/s", target=target, note=note)
        packed = written(form, GZIP_LEVEL, texts)
        plain = gzip.decompress(packed)
        for compression, data in (("NONE", plain), ("GZIP", packed), ("ZSTD", zstd.compress(plain))):
            bench.say(f"reading {form}, {compression}")
            found = rate(bench, lambda form=form, way=compression, data=data: read(form, way, data))
            target = GOAL if (form, compression) == (FORMATS[0], "GZIP") else None
            yield Line(GROUP, f"read {form}, {compression}", SERVER, found, "items/s", target=target)


def items(count: int) -> list[bytes]:
    """Items as a store has them, of six attributes, with half of their bytes random."""
    rng = random.Random(15)
    return [
        orjson.dumps(
            {
                "user": {"S": f"user#{rng.randrange(10**9):012d}"},
                "order": {"N": str(number)},
                "digest": {"S": rng.randbytes(32).hex()},
                "when": {"S": f"2026-11-{number % 30 + 1:02d}T12:00:00Z"},
                "paid": {"BOOL": bool(rng.randrange(2))},
                "total": {"N": str(rng.randrange(10**6) / 100)},
            }
        )
        for number in range(count)
    ]


def rate(bench: Bench, work: Callable[[], object]) -> float:
    """Items for each second of the processor: the best of the rounds."""
    best = float("inf")
    for _ in range(bench.options.rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return ITEMS / best


def written(form: str, level: int, texts: list[bytes]) -> bytes:
    """A data file of these items."""
    writer = Writer(form, level=level)
    parts = [writer.items(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
    return b"".join([*parts, writer.end()])


def read(form: str, compression: str, data: bytes) -> None:
    """All of a data file, which must have every item."""
    reader = Reader(form, compression)
    count = 0
    for at in range(0, len(data), PIECE_BYTES):
        count += sum(map(len, reader.feed(data[at : at + PIECE_BYTES])))
    count += sum(map(len, reader.end()))
    if count != ITEMS or reader.stopped:
        raise AssertionError(f"{form}, {compression}: {count} of {ITEMS} items")
