"""From method and path to the operation, and from a request's parts to its checked members."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import orjson

from statordb.lambda_api import faults, rest_shapes
from statordb.lambda_api.rest_shapes import Member, Shape, ShapeTable
from statordb.model.rest import RestRequest
from statordb.model.service import ServiceModel


class Route(NamedTuple):
    """An operation and where its members are. `segments`: of the path, None where any text stands (`names` has, in
    order, what for); `query`: parameters that the query string must have; `payload`: the member that is the body
    itself; `in_body`: whether any member is in a JSON body; `status`: of success."""

    operation: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    shape: Shape | None
    payload: str | None
    in_body: bool
    status: int


class Routes:
    """The routes of a service model."""

    def __init__(self, model: ServiceModel) -> None:
        table = ShapeTable(model.shapes)
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for operation in model.operations.values():
            path, _, query = operation.uri.partition("?")
            parts = path.strip("/").split("/")
            shape = table.shape(operation.input) if operation.input else None
            payload = model.shapes[operation.input].get("payload") if operation.input else None
            route = Route(
                operation.name,
                tuple(None if part.startswith("{") else part for part in parts),
                tuple(part.strip("{}+") for part in parts if part.startswith("{")),
                tuple(parse_qsl(query, keep_blank_values=True)),
                shape,
                payload,
                payload is None and shape is not None and any(not member.location for member in shape.members),
                operation.status,
            )
            self._routes.setdefault((operation.method, len(parts)), []).append(route)
        for several in self._routes.values():  # what says more of the path, and of the query, is tried first
            several.sort(key=lambda route: (len(route.names), -len(route.query)))

    def find(self, request: RestRequest) -> tuple[Route, list[str]]:
        """The route of a request, and the texts in its path. Raises UnknownOperationException."""
        parts = request.path.removeprefix("/").removesuffix("/").split("/")
        query = None
        for route in self._routes.get((request.method, len(parts)), ()):
            if all(segment is None or segment == part for segment, part in zip(route.segments, parts, strict=True)):
                if route.query:
                    query = query if query is not None else _query(request)
                    if not all(query.get(name, [None])[0] == value for name, value in route.query):
                        continue
                return route, [part for segment, part in zip(route.segments, parts, strict=True) if segment is None]
        raise faults.unknown_operation(request.method, request.path)


def members(route: Route, texts: list[str], request: RestRequest) -> dict[str, Any]:
    """All members of a request under their names in the model, checked. Raises Fault."""
    if route.shape is None:
        return {}
    given: dict[str, Any] = {}
    path = dict(zip(route.names, texts, strict=True))
    query = _query(request) if request.query else {}
    for member in route.shape.members:
        value = _located(member, path, query, request.headers)
        if value is not None:
            given[member.name] = value
    if route.payload is not None:
        given[route.payload] = request.body
    elif route.in_body:
        given.update(_body(route.shape, request.body))
    rest_shapes.check(route.shape, given, route.operation)
    return given


def _located(
    member: Member, path: Mapping[str, str], query: Mapping[str, list[str]], headers: Mapping[bytes, bytes]
) -> Any:
    name = member.wire_name
    if member.location == "uri":
        return rest_shapes.read_text(member.shape, unquote(path[name]))
    if member.location == "querystring":
        values = query.get(name)
        if values is None:
            return None
        if member.shape.kind == "list":
            return [rest_shapes.read_text(member.shape.element, value) for value in values]
        return rest_shapes.read_text(member.shape, values[0])
    if member.location == "header":
        header = headers.get(name.lower().encode())
        return None if header is None else rest_shapes.read_text(member.shape, header.decode("latin-1").strip())
    return None


def _query(request: RestRequest) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return query


def _body(shape: Shape, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise faults.invalid_content(f"Could not parse request body into json: {error.msg}") from None
    read: dict[str, Any] = rest_shapes.read(shape, document)
    return read
