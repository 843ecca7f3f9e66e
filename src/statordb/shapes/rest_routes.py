"""AWS's REST protocols: from method and path to the operation, and from a request's parts to its members."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import orjson

from statordb.model.rest import RestRequest
from statordb.model.service import ServiceModel
from statordb.shapes.nodes import Member, Node, Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.rest import read, read_text


class NotJson(Exception):
    """A body can't be parsed; args[0] says what is wrong with it."""


class Route(NamedTuple):
    """An operation and where its members are. `segments`: of the path, None where any text stands (`names` has, in
    order, what for); `query`: parameters that the query string must have; `payload`: the member that is the body
    itself; `in_body`: whether any member is in a JSON body; `status`: of success."""

    operation: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    node: Node | None
    payload: str | None
    in_body: bool
    status: int


class Routes:
    """The routes of a service model."""

    def __init__(self, model: ServiceModel, overrides: Overrides) -> None:
        nodes = Nodes(model, overrides)
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for operation in model.operations.values():
            path, _, query = operation.uri.partition("?")
            parts = path.strip("/").split("/")
            node = nodes.node(operation.input) if operation.input else None
            payload = model.shapes[operation.input].get("payload") if operation.input else None
            route = Route(
                operation.name,
                tuple(None if part.startswith("{") else part for part in parts),
                tuple(part.strip("{}+") for part in parts if part.startswith("{")),
                tuple(parse_qsl(query, keep_blank_values=True)),
                node,
                payload,
                payload is None and node is not None and any(not member.location for member in node.members.values()),
                operation.status,
            )
            self._routes.setdefault((operation.method, len(parts)), []).append(route)
        for several in self._routes.values():  # what says more of the path, and of the query, is tried first
            several.sort(key=lambda route: (len(route.names), -len(route.query)))

    def find(self, request: RestRequest) -> tuple[Route, list[str]] | None:
        """The route of a request, and the texts in its path; None where there is no such operation."""
        parts = request.path.removeprefix("/").removesuffix("/").split("/")
        query = None
        for route in self._routes.get((request.method, len(parts)), ()):
            if all(segment is None or segment == part for segment, part in zip(route.segments, parts, strict=True)):
                if route.query:
                    query = query if query is not None else _query(request)
                    if not all(query.get(name, [None])[0] == value for name, value in route.query):
                        continue
                return route, [part for segment, part in zip(route.segments, parts, strict=True) if segment is None]
        return None


def members(route: Route, texts: list[str], request: RestRequest) -> dict[str, Any]:
    """All members of a request under their names in the model, unchecked. Raises Unreadable, NotJson."""
    if route.node is None:
        return {}
    given: dict[str, Any] = {}
    path = dict(zip(route.names, texts, strict=True))
    query = _query(request) if request.query else {}
    for member in route.node.members.values():
        value = _located(member, path, query, request.headers)
        if value is not None:
            given[member.name] = value
    if route.payload is not None:
        given[route.payload] = request.body
    elif route.in_body:
        given.update(_body(route.node, request.body))
    return given


def _located(
    member: Member, path: Mapping[str, str], query: Mapping[str, list[str]], headers: Mapping[bytes, bytes]
) -> Any:
    name = member.wire_name
    if member.location == "uri":
        return read_text(member.node, unquote(path[name]))
    if member.location == "querystring":
        values = query.get(name)
        if values is None:
            return None
        if member.node.kind == "list":
            return [read_text(member.node.element, value) for value in values]
        return read_text(member.node, values[0])
    if member.location == "header":
        header = headers.get(name.lower().encode())
        return None if header is None else read_text(member.node, header.decode("latin-1").strip())
    return None


def _query(request: RestRequest) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return query


def _body(node: Node, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJson(error.msg) from None
    given: dict[str, Any] = read(node, document)
    return given
