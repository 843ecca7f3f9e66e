"""What Query and Scan return of the rows they read: Select, projection, filter, count and cursor."""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.capacity import Meter, read_units, wanted
from statordb.api.context import Answer, Request
from statordb.api.keys import refuse_long, refuse_nested_keys
from statordb.engine.contract import Key, Place
from statordb.expressions.bound import Condition, Projection
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.values import Item, check
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.reading import Slice
from statordb.store.table import Table

_BODY = codec.HEADER_BYTES

# Texts that DynamoDB does not put behind "The provided starting key is invalid: ".
_BARE_FAULTS = ("contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude")


def check_select(request: Request) -> None:
    """Raise ValidationException if Select contradicts the projection or the index."""
    select = request.get("Select")
    if select is None:
        return
    given = next((name for name in ("AttributesToGet", "ProjectionExpression") if request.get(name) is not None), None)
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.get("IndexName") is None:
        raise errors.validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES":
        if given is None:
            raise errors.validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
            )
    elif given is not None:
        chosen = "only the Count" if select == "COUNT" else select
        raise errors.validation(f"Cannot specify the {given} when choosing to get {chosen}")


def check_cursor_values(request: Request) -> None:
    """Validate and normalise the values of ExclusiveStartKey."""
    for value in (request.get("ExclusiveStartKey") or {}).values():
        try:
            check(value)
        except ClientError as fault:
            text = fault.message or ""
            if any(bare in text for bare in _BARE_FAULTS):
                raise
            raise errors.validation("The provided starting key is invalid: " + text) from None


def find_path(table: Table, request: Request, action: str) -> AccessPath:
    """The access path that a request names; `action` is "querying" or "scanning"."""
    name = request.get("IndexName")
    path = table.path(name)
    if path is None:
        raise errors.validation(f"The table does not have the specified index: {name}")
    if name is not None and not table.ready(name):
        raise errors.validation(f"Cannot read from backfilling global secondary index: {name}")
    if request.get("ConsistentRead") and not path.consistent:
        raise errors.validation("Consistent reads are not supported on global secondary indexes")
    return path


class Selection:
    """How one request cuts and counts the rows of an access path."""

    __slots__ = ("_condition", "_consistent", "_count_only", "_fetch", "_path", "_projection", "_request", "_table")

    def __init__(
        self,
        table: Table,
        path: AccessPath,
        request: Request,
        condition: Condition | None,
        projection: Projection | None,
    ) -> None:
        self._table = table
        self._path = path
        self._request = request
        self._condition = condition
        self._projection = projection
        self._count_only = request.get("Select") == "COUNT"
        self._consistent = request.get("ConsistentRead") is True
        for part in (projection, condition):
            if part is not None:
                refuse_nested_keys(table, part.nested_attributes)
        self._fetch = self._must_fetch()

    def _must_fetch(self) -> bool:
        """Whether items have to be fetched from the table for attributes that the index does not hold."""
        path = self._path
        if path.projected is None:
            return False
        if self._condition is not None:
            unknown = sorted(self._condition.attributes - path.projected)
            if unknown:
                raise errors.invalid_parameters(
                    f"Secondary index {path.name} does not project one or more filter attributes: "
                    f"[{', '.join(unknown)}]"
                )
        if self._request.get("Select") == "ALL_ATTRIBUTES":
            if not path.fetches:
                raise errors.invalid_parameters(
                    f"Select type ALL_ATTRIBUTES is not supported for global secondary index {path.name} because its "
                    "projection type is not ALL"
                )
            return True
        missing = sorted(self._projection.attributes - path.projected) if self._projection is not None else []
        if missing and not path.fetches:
            raise errors.invalid_parameters(
                f"Global secondary index {path.name} does not project [{', '.join(missing)}]"
            )
        return bool(missing)

    async def answer(self, read: Slice) -> Answer:
        """The response of Query or Scan for the rows read."""
        bodies = read.bodies
        fetched: Sequence[bytes | None] = ()
        if self._fetch:
            fetched = await self._table.get_many([self._base_key(body) for body in bodies], self._consistent)
            texts = self._texts([body for body in fetched if body is not None])
        elif self._condition is None and self._projection is None:
            texts = [body[_BODY:] for body in bodies]
        else:
            texts = self._texts(bodies)
        answer: dict[str, Any] = {"Count": len(texts), "ScannedCount": len(bodies)}
        if read.more and bodies:
            answer["LastEvaluatedKey"] = self._cursor(bodies[-1])
        detail = wanted(self._request)
        if detail is not None:
            answer["ConsumedCapacity"] = self._meter(read.size, fetched).report(detail)
        if self._count_only:
            return answer
        return codec.splice(answer, "Items", b"[" + b",".join(texts) + b"]")

    def _texts(self, bodies: list[bytes]) -> list[bytes]:
        """Returned items as JSON; as they are stored where nothing is cut."""
        condition, projection = self._condition, self._projection
        if condition is None and projection is None:
            return [body[_BODY:] for body in bodies]
        texts = []
        for body in bodies:
            item = codec.decode(body)
            if condition is None or condition(item):
                texts.append(codec.text(body) if projection is None else orjson.dumps(projection(item)))
        return texts

    def _base_key(self, body: bytes) -> Key:
        return self._table.primary.key(codec.decode(body))

    def _cursor(self, body: bytes) -> Item:
        item = codec.decode(body)
        return {name: item[name] for name in self._path.cursor_names}

    def _meter(self, size: int, fetched: Sequence[bytes | None]) -> Meter:
        meter = Meter(self._table)
        units = read_units(size, self._consistent)
        if self._path.name is None:
            meter.add(units)
        else:
            from_table = sum(read_units(codec.size(body), self._consistent) for body in fetched if body is not None)
            meter.add(from_table, {self._path.name: units})
        return meter


def cut(request: Request, bound: Placeholders, legacy_filter: str) -> tuple[Condition | None, Projection | None]:
    """Filter and projection of a request; `legacy_filter` is QueryFilter or ScanFilter."""
    return conditions.row_filter(request, bound, legacy_filter), conditions.projection(request, bound)


def cursor_position(table: Table, path: AccessPath, cursor: Item) -> Place:
    """Where an ExclusiveStartKey points; raises ValidationException unless it has just the key attributes, of the
    right types."""
    if len(cursor) != len(path.cursor_names):
        raise errors.validation("The provided starting key is invalid")
    for schema in (path.schema, table.schema):
        for attribute in schema.attributes:
            value = cursor.get(attribute.name)
            if value is None:
                raise errors.validation("The provided starting key is invalid")
            if attribute.type not in value or not value[attribute.type]:
                raise errors.validation(
                    "The provided starting key is invalid: The provided key element does not match the schema"
                )
            refuse_long(attribute, value, schema)
    return path.position(cursor)
