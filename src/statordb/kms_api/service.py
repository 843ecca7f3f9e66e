"""KMS's API behind the wire.

The service model, and the operations, are loaded with the first request: a server whose clients use tables only starts
no slower, and needs no more memory, than one that has no keys.
"""

from collections.abc import Awaitable
from typing import Any

from statordb.commands.json_service import JsonApi, JsonService, Report
from statordb.commands.turns import Turns
from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Operation
from statordb.model.request import Request
from statordb.model.service import load_service
from statordb.store.store import Store

TARGET_PREFIX = "TrentService"
VERSION = "2014-11-01"


def load_api() -> JsonApi[Operation]:
    """Raises ServiceModelMissing."""
    # Here, so that starting costs nothing; see above.
    from statordb.kms_api.operations import OPERATIONS
    from statordb.kms_api.shape_overrides import KMS
    from statordb.shapes.json import Shapes

    return JsonApi(Shapes(KMS, load_service("kms", VERSION)), OPERATIONS)


class KmsService(JsonService[Operation]):
    """Answers requests of KMS's."""

    def __init__(self, store: Store, report: Report, turns: Turns | None = None) -> None:
        super().__init__(load_api, errors, report, turns)
        self._store = store

    def perform(self, operation: Operation, request: Request, members: dict[str, Any]) -> Awaitable[Answer]:
        return operation(Context(self._store, request.principal, request.origin), members)
