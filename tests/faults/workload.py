"""What every workload is: tables, clients that write until they are stopped, and a judge of what they were told."""

import random
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

from tests.faults.session import Session
from tests.pace import HANGS_SECONDS
from tests.raw import Shape

Turn = Callable[[], None]  # one action of a client; its requests are its own
STOP_SECONDS_MAX = 2 * HANGS_SECONDS


class Workload(ABC):
    """One kind of work on tables of its own.

    `prepare`, `start`, any faults, `stop`, `violations`: in this order.
    """

    name: str

    def __init__(self) -> None:
        self.mark = secrets.token_hex(4)
        self._tables: list[str] = []
        self.endpoints: Sequence[str] = ()
        self.stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    @abstractmethod
    def fill(self, session: Session) -> None:
        """Create the tables, and what is in them from the beginning."""

    @abstractmethod
    def clients(self, chance: random.Random) -> Iterable[Turn]:
        """One action for each client, to be done again and again in a thread of its own."""

    @abstractmethod
    def violations(self) -> list[str]:
        """A sentence for every broken promise, once the clients have stopped and all servers are well."""

    @abstractmethod
    def figures(self) -> dict[str, int]:
        """How often what happened; `done` counts what was acknowledged."""

    def prepare(self, endpoints: Sequence[str]) -> None:
        self.endpoints = endpoints
        self.fill(Session(endpoints))

    def create_table(self, session: Session, name: str, **members: object) -> str:
        """A table unlike that of any other trial, by default with the string partition key `p`; its name."""
        table = f"{name}-{self.mark}"
        request: Shape = {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            **members,
        }
        session.insist("CreateTable", request)
        self._tables.append(table)
        while session.insist("DescribeTable", {"TableName": table})["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.05)
        return table

    def close(self) -> None:
        """Delete the tables, so that the next trial has the store's time for itself."""
        session = Session(self.endpoints)
        for table in self._tables:
            session.insist("DeleteTable", {"TableName": table})
        session.close()

    def start(self, chance: random.Random) -> None:
        for turn in self.clients(chance):
            self._threads.append(threading.Thread(target=self._run, args=(turn,), daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every client end what it does; raises what went wrong in any."""
        self.stopped.set()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), "a client does not end"
        self.check()

    def check(self) -> None:
        """Raises what went wrong in a client so far."""
        if self._failure is not None:
            raise self._failure

    def _run(self, turn: Turn) -> None:
        try:
            while not self.stopped.is_set() and self._failure is None:
                turn()
        except BaseException as error:
            self._failure = error


def scan(session: Session, table: str, index: str | None = None) -> list[Shape]:
    """All items of a table, or all entries of one of its indexes."""
    request: Shape = {"TableName": table}
    if index is None:
        request["ConsistentRead"] = True
    else:
        request["IndexName"] = index
    found: list[Shape] = []
    while True:
        page = session.insist("Scan", request)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
