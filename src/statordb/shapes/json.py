"""Requests of AWS's JSON protocols, checked by the service model: types first, then all constraints, with AWS's errors.

A good request, the usual case, is recognised by a function compiled for its operation and handed on as it is; all else
goes the precise way, which converts what AWS converts and names what AWS refuses.
"""

from typing import Any

from statordb.model.service import ServiceModel
from statordb.shapes import json_constraints
from statordb.shapes.json_decode import decode
from statordb.shapes.nodes import Node, Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.recogniser import Check, CheckSource


class Shapes:
    """The checks of all operations of the given service models, each compiled when first used.

    `target_prefixes`: by operation, what stands before the dot in its X-Amz-Target. No two models have an operation of
    one name; their shapes are kept apart, as those of one name differ.
    """

    __slots__ = ("_checks", "_inputs", "_overrides", "operations", "target_prefixes")

    def __init__(self, overrides: Overrides, *models: ServiceModel) -> None:
        self._overrides = overrides
        self.target_prefixes = {name: model.target_prefix for model in models for name in model.operations}
        self.operations = frozenset(self.target_prefixes)
        self._inputs: dict[str, tuple[Nodes, str]] = {}
        for model in models:
            nodes = Nodes(model, overrides)
            self._inputs.update({name: (nodes, operation.input) for name, operation in model.operations.items()})
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
        node = self._input(operation)
        request = decode(node, document)
        json_constraints.check(node, request, self._overrides.leading.get(operation), self._overrides)
        return request

    def _compile(self, operation: str) -> Check:
        leading = self._overrides.leading.get(operation)
        check = CheckSource().compile(self._input(operation), None if leading is None else leading.member)
        self._checks[operation] = check
        return check

    def _input(self, operation: str) -> Node:
        nodes, shape = self._inputs[operation]
        return nodes.node(shape)
