"""Requests checked against the service model: types first, then every constraint, with AWS's errors.

A good request, the usual case, is recognised by a function compiled for its operation and handed on as it is; all else
goes the precise way, which converts what AWS converts and names what AWS refuses.
"""

from typing import Any

from statordb.api import shape_constraints
from statordb.api.shape_decode import decode
from statordb.api.shape_nodes import Nodes
from statordb.api.shape_overrides import LEADING
from statordb.api.shape_source import Check, Source
from statordb.model.service import ServiceModel


class Shapes:
    """The checks of all operations of a service model, each compiled when first used."""

    __slots__ = ("_checks", "_inputs", "_nodes", "operations")

    def __init__(self, model: ServiceModel) -> None:
        self.operations = frozenset(model.operations)
        self._inputs = {name: operation.input for name, operation in model.operations.items()}
        self._nodes = Nodes(model)
        self._checks: dict[str, Check] = {}

    def check(self, operation: str, document: Any) -> dict[str, Any]:
        """The checked request of a parsed JSON body: the same dict, or a changed copy where AWS drops or converts.

        `operation` is one of `operations`. Raises SerializationException or ValidationException.
        """
        check = self._checks.get(operation) or self._compile(operation)
        try:
            if check(document):
                return document  # type: ignore[no-any-return]
        except ValueError:
            # Text that is no Base64 ends the fast check this way; the precise one says what is wrong with it.
            pass
        return self.check_precisely(operation, document)

    def check_precisely(self, operation: str, document: Any) -> dict[str, Any]:
        """What `check` does, always the precise way."""
        node = self._nodes.node(self._inputs[operation])
        request = decode(node, document)
        shape_constraints.check(node, request, LEADING.get(operation))
        return request

    def _compile(self, operation: str) -> Check:
        node = self._nodes.node(self._inputs[operation])
        check = self._checks[operation] = Source().compile(node, LEADING.get(operation))
        return check
