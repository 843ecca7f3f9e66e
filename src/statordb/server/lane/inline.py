"""No lane: what would hold up others is answered where it came in, and does."""

import asyncio

from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, Service
from statordb.model.tasks import Tasks
from statordb.server.lane.answering import answered


class InlineLane:
    """Has requests answered by `service`, which has the work of a lane allowed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks = Tasks()

    def submit(self, request: Request) -> Pending[Reply]:
        answer: Pending[Reply] = Pending(asyncio.get_running_loop())
        self._tasks.begin(self._answer(request, answer))
        return answer

    def close(self) -> None:
        """There is nothing to let go of."""

    async def _answer(self, request: Request, answer: Pending[Reply]) -> None:
        answer.set_result(await answered(self._service, request))
