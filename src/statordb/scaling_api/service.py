"""Application Auto Scaling's API behind the wire.

The service model, and the operations, are loaded with the first request: a server whose clients use tables only starts
no slower, and needs no more memory, than one without the service.
"""

from collections.abc import Awaitable
from typing import Any

from statordb.commands.gate import Gate
from statordb.commands.json_service import JsonApi, JsonService, Report
from statordb.commands.turns import Turns
from statordb.model.request import Request
from statordb.model.service import load_service
from statordb.scaling_api import errors
from statordb.scaling_api.context import Answer, Context, Operation
from statordb.store.store import Store

TARGET_PREFIX = "AnyScaleFrontendService"
VERSION = "2016-02-06"


def load_api() -> JsonApi[Operation]:
    """Raises ServiceModelMissing."""
    # Here, so that starting costs nothing; see above.
    from statordb.scaling_api.operations import OPERATIONS
    from statordb.scaling_api.shape_overrides import SCALING
    from statordb.shapes.json import Shapes

    return JsonApi(Shapes(SCALING, load_service("application-autoscaling", VERSION)), OPERATIONS)


class ScalingService(JsonService[Operation]):
    """Answers requests of Application Auto Scaling's."""

    def __init__(self, store: Store, report: Report, gate: Gate, turns: Turns | None = None) -> None:
        super().__init__(load_api, errors, report, turns)
        self._store = store
        self._gate = gate

    def perform(self, operation: Operation, request: Request, members: dict[str, Any]) -> Awaitable[Answer]:
        context = Context(self._store, request.principal, request.origin, self._gate, members)
        return operation(context, members)
