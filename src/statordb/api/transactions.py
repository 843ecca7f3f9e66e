"""What the operations of transactions have in common, of items and of statements: their answers, and their tokens."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from statordb.api.answers import spliced, wanted
from statordb.api.context import Answer, Context, Request
from statordb.commands.capacity import Meter
from statordb.commands.getting import Got
from statordb.commands.transacting import Transacted
from statordb.metering.units import TRANSACTION_FACTOR, read_units

_DIGEST_BYTES = 16


def token_of(request: Request, parts: str) -> tuple[str, str] | None:
    """The client's token, and a digest of what the request asks for, its member `parts`; None without a token."""
    token = request.get("ClientRequestToken")
    if token is None:
        return None
    content = orjson.dumps(request[parts], option=orjson.OPT_SORT_KEYS)
    return token, blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


async def read_answer(context: Context, request: Request, tables: Sequence[str], found: list[Got]) -> Answer:
    """The response with what was read, which is taken out of `found`. `tables`: as the request names that of each."""
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meters: dict[int, Meter] = {}
        for name, got in zip(tables, found, strict=True):
            meter = meters.setdefault(got.table.space, Meter(got.table, name))
            meter.add(read_units(got.size, True), factor=TRANSACTION_FACTOR)
        answer["ConsumedCapacity"] = [meter.report(detail, "Read") for meter in meters.values()]
    texts: list[bytes] = []
    between = b'{"Responses":['
    for got in found:
        texts += (between + b"{}",) if got.text is None else (between + b'{"Item":', got.text, b"}")
        between = b","
    found.clear()  # the texts are in one place, to be let go of there
    return await spliced(texts, b"]", answer, context.turn())


def write_capacity(request: Request, tables: Sequence[str], done: Transacted) -> dict[str, Any]:
    """ConsumedCapacity of writes, if it is wanted, as a member of the response. `tables`: as of `read_answer`."""
    detail = wanted(request)
    if detail is None:
        return {}
    meters: dict[int, Meter] = {}
    for position, table in enumerate(done.tables):
        meter = meters.setdefault(table.space, Meter(table, tables[position]))
        if done.written is None:
            meter.add(read_units(done.sizes[position], True), factor=TRANSACTION_FACTOR)
        else:
            meter.add_write(done.written[position], TRANSACTION_FACTOR)
    side = "Read" if done.written is None else "Write"
    return {"ConsumedCapacity": [meter.report(detail, side) for meter in meters.values()]}
