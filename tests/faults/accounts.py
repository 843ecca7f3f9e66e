"""Money moves between fifty accounts by transactions; whoever reads all of them at once always finds the same sum.

Each transfer also counts its own record, in another table under an index, so that a torn or doubled one shows.
"""

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tests.faults.session import Answer, Outcome, Session
from tests.faults.workload import Turn, Workload, scan
from tests.raw import Shape

INDEX = "by_payer"
ACCOUNTS = 50
START = 100
PAYERS = 8
WATCHERS = 2
ATTEMPTS_MAX = 8  # of one transfer with a token
SETTLE_SECONDS_MAX = 240.0  # for the index to be as the table


class Transfer(NamedTuple):
    """One that was tried; `id` names its record."""

    id: str
    payer: str
    payee: str
    amount: int
    outcome: Outcome


def violations(
    transfers: Sequence[Transfer], sums: Iterable[int], balances: Mapping[str, int], records: Mapping[str, Shape]
) -> list[str]:
    """`sums`: of all balances, as seen by each TransactGetItems; `records`: the items that transfers counted, by id."""
    tried = {transfer.id: transfer for transfer in transfers}
    found = [f"a snapshot of all accounts came to {sum_}" for sum_ in set(sums) - {ACCOUNTS * START}]
    found += [f"record {id_} of a transfer that nobody made" for id_ in records.keys() - tried.keys()]
    expected = {f"account-{number}": START for number in range(ACCOUNTS)}
    for transfer in transfers:
        record = records.get(transfer.id)
        found += _told_and_recorded(transfer, record)
        if record is not None:
            expected[transfer.payer] -= transfer.amount
            expected[transfer.payee] += transfer.amount
    if balances != expected:
        wrong = {name: (balances.get(name), sum_) for name, sum_ in expected.items() if balances.get(name) != sum_}
        found.append(f"balances found, and by the records: {wrong}, strangers: {balances.keys() - expected.keys()}")
    found += [f"{name} is overdrawn: {balance}" for name, balance in balances.items() if balance < 0]
    return found


def _told_and_recorded(transfer: Transfer, record: Shape | None) -> Iterator[str]:
    if record is None:
        if transfer.outcome is Outcome.DONE:
            yield f"{transfer} is lost"
    elif transfer.outcome is Outcome.REFUSED:
        yield f"{transfer} happened"
    elif record != _record(transfer):
        yield f"{transfer} left {record}"


def _record(transfer: Transfer) -> Shape:
    """The item that a transfer leaves when it happens once."""
    return {
        "p": {"S": transfer.id},
        "payer": {"S": transfer.payer},
        "payee": {"S": transfer.payee},
        "amount": {"N": str(transfer.amount)},
        "times": {"N": "1"},
    }


class Accounts(Workload):
    """Half of the transfers are made again, under one token, until their outcome is known."""

    name = "accounts"

    def __init__(self) -> None:
        super().__init__()
        self.transfers: list[Transfer] = []
        self.sums: list[int] = []
        self._missed = 0  # snapshots that were refused or broken off
        self._lock = threading.Lock()

    def fill(self, session: Session) -> None:
        self._accounts = self.create_table(session, "accounts")
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "payer")]
        index = {
            "IndexName": INDEX,
            "KeySchema": [{"AttributeName": "payer", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        self._transfers = self.create_table(
            session, "transfers", AttributeDefinitions=attributes, GlobalSecondaryIndexes=[index]
        )
        for number in range(ACCOUNTS):
            item = {"p": {"S": f"account-{number}"}, "balance": {"N": str(START)}}
            session.insist("PutItem", {"TableName": self._accounts, "Item": item})

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        for number in range(PAYERS):
            own = random.Random(chance.random())
            yield partial(self._transfer, Session(self.endpoints, number), own, f"payer-{number}")
        for number in range(WATCHERS):
            yield partial(self._watch, Session(self.endpoints, number))

    def _transfer(self, session: Session, chance: random.Random, client: str) -> None:
        payer, payee = (f"account-{number}" for number in chance.sample(range(ACCOUNTS), 2))
        id_ = f"{client}-{chance.getrandbits(48):012x}"
        transfer = Transfer(id_, payer, payee, chance.randrange(1, 40), Outcome.UNKNOWN)
        request: Shape = {"TransactItems": self._actions(transfer)}
        if chance.random() < 0.5:
            request["ClientRequestToken"] = id_
            outcome = self._insist(session, request)
        else:
            outcome = session.send("TransactWriteItems", request).outcome
        with self._lock:
            self.transfers.append(transfer._replace(outcome=outcome))

    def _insist(self, session: Session, request: Shape) -> Outcome:
        """Make one transfer under its token until its outcome is known; a refusal after a silence tells nothing."""
        for attempt in range(ATTEMPTS_MAX):
            answer = session.send("TransactWriteItems", request)
            if answer.outcome is Outcome.DONE or (answer.outcome is Outcome.REFUSED and attempt == 0):
                return answer.outcome
            if not _may_go_on(answer):
                break
            time.sleep(0.1)
        return Outcome.UNKNOWN

    def _watch(self, session: Session) -> None:
        gets = [
            {"Get": {"TableName": self._accounts, "Key": {"p": {"S": f"account-{number}"}}}}
            for number in range(ACCOUNTS)
        ]
        answer = session.send("TransactGetItems", {"TransactItems": gets})
        if answer.outcome is not Outcome.DONE:
            self._missed += 1
            return
        self.sums.append(sum(int(each["Item"]["balance"]["N"]) for each in answer.reply["Responses"]))

    def violations(self) -> list[str]:
        session = Session(self.endpoints)
        balances = {item["p"]["S"]: int(item["balance"]["N"]) for item in scan(session, self._accounts)}
        records = {item["p"]["S"]: item for item in scan(session, self._transfers)}
        found = [] if self.sums else ["nobody ever saw all accounts at once"]
        return [*found, *violations(self.transfers, self.sums, balances, records), *self._index(session, records)]

    def figures(self) -> dict[str, int]:
        outcomes = [transfer.outcome for transfer in self.transfers]
        told = {outcome.value: outcomes.count(outcome) for outcome in Outcome}
        return {**told, "snapshots": len(self.sums), "snapshots missed": self._missed}

    def _actions(self, transfer: Transfer) -> list[Shape]:
        def update(table: str, key: str, expression: str, values: Shape) -> Shape:
            values = {f":{name}": value for name, value in values.items()}
            shape = {"TableName": table, "Key": {"p": {"S": key}}, "UpdateExpression": expression}
            return {"Update": {**shape, "ExpressionAttributeValues": values}}

        record = _record(transfer)
        amount = {"x": record["amount"]}
        told = {name: record[name] for name in ("payer", "payee", "amount", "times")}
        taken = update(self._accounts, transfer.payer, "SET balance = balance - :x", amount)
        taken["Update"]["ConditionExpression"] = "balance >= :x"
        given = update(self._accounts, transfer.payee, "SET balance = balance + :x", amount)
        expression = "SET payer = :payer, payee = :payee, amount = :amount ADD times :times"
        return [taken, given, update(self._transfers, transfer.id, expression, told)]

    def _index(self, session: Session, records: Mapping[str, Shape]) -> list[str]:
        """The index comes to hold what the table holds."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            entries = scan(session, self._transfers, INDEX)
            found = {item["p"]["S"]: item for item in entries}
            if found == records and len(entries) == len(found):
                return []
            if time.monotonic() > deadline:
                names = {name for name in found.keys() | records.keys() if found.get(name) != records.get(name)}
                return [f"index {INDEX} differs from the table for {len(names)} transfers, as {min(names, default='')}"]
            time.sleep(0.1)


def _may_go_on(answer: Answer) -> bool:
    """Whether the same request may still find out: it got no answer, or met another one, perhaps itself."""
    return answer.outcome is Outcome.UNKNOWN or "Conflict" in str(answer) or "InProgress" in answer.error
