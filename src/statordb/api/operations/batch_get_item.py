"""BatchGetItem."""

from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.answers import listed, spliced, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.commands.capacity import Meter
from statordb.commands.getting import BatchGet, Several, Wanted
from statordb.commands.perform import perform
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.limits import BATCH_GET_KEYS_MAX

_CUTS = ("ProjectionExpression", "AttributesToGet")
_FORMS = (_CUTS[:1], _CUTS[1:])


async def batch_get_item(context: Context, request: Request) -> Answer:
    asked: dict[str, Request] = request["RequestItems"]
    command = _read(context, asked)
    found = await perform(context, command)
    answer: dict[str, Any] = {"UnprocessedKeys": _unprocessed(asked, found)}
    detail = wanted(request)
    if detail is not None:
        answer["ConsumedCapacity"] = [
            _report(name, several, detail) for name, several in zip(asked, found, strict=True)
        ]
    texts = []
    between = b'{"Responses":{'
    for name, several in zip(asked, found, strict=True):
        texts.append(between + orjson.dumps(name) + b":[")
        texts += listed(several.texts)
        several.texts.clear()  # they are in one place, to be let go of there
        between = b"],"
    return await spliced(texts, b"]}", answer, context.turn())


def _read(context: Context, asked: dict[str, Request]) -> BatchGet:
    wants = []
    count = 0
    if len(asked) > 1:  # what is asked of one table is mixed with what is asked of another
        reject_mixed({member: each[member] for each in asked.values() for member in _CUTS if member in each}, *_FORMS)
    for name, request in asked.items():
        reject_mixed(request, *_FORMS)
        bound = conditions.placeholders(request, context.budget)
        projection = conditions.projection(request, bound)
        bound.finish()
        for key in request["Keys"]:
            check_values(key)
        count += len(request["Keys"])
        if count > BATCH_GET_KEYS_MAX:
            raise errors.validation("Too many items requested for the BatchGetItem call")
        wants.append(Wanted(name, request["Keys"], projection, request.get("ConsistentRead") is True))
    return BatchGet(wants)


def _unprocessed(asked: dict[str, Request], found: list[Several]) -> dict[str, Request]:
    return {
        name: {**request, "Keys": request["Keys"][several.processed :]}
        for (name, request), several in zip(asked.items(), found, strict=True)
        if several.processed < len(request["Keys"])
    }


def _report(name: str, several: Several, detail: str) -> dict[str, Any]:
    meter = Meter(several.table, name)
    meter.add(several.units)
    return meter.report(detail)
