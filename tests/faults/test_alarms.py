"""Each judge of a workload finds what is taken out of, or put into, an honest history by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.crash.schema import GLOBAL
from tests.faults import accounts, appends, counters, stream
from tests.faults.accounts import ACCOUNTS, START, Transfer
from tests.faults.appends import Append
from tests.faults.counters import Increment
from tests.faults.ledger import differences
from tests.faults.session import Outcome

DONE, REFUSED, UNKNOWN = Outcome

INCREMENTS = [
    Increment("a", "c0", 0, 1, 1),
    Increment("a", "c1", 2, 5, 3),
    Increment("a", "c0", 3, 4, 2),
    Increment("a", "c1", 6, 7, None),
]


def _count(n: int, c0: int, c1: int) -> list[dict[str, Any]]:
    return [{"p": {"S": "a"}, "n": {"N": str(n)}, "c0": {"N": str(c0)}, "c1": {"N": str(c1)}}]


@pytest.mark.parametrize("stored", [_count(3, 2, 1), _count(4, 2, 2)])
def test_honest_counters(stored: list[dict[str, Any]]) -> None:
    """An increment whose outcome nobody knows may have happened or not: both are right."""
    assert counters.violations(INCREMENTS, stored) == []


@pytest.mark.parametrize(
    ("increments", "stored", "word"),
    [
        (INCREMENTS, [], "0 are counted"),
        (INCREMENTS, _count(2, 1, 1), "1 are counted"),  # a lost update
        (INCREMENTS, _count(5, 2, 3), "3 are counted"),  # a doubled one
        (INCREMENTS, _count(4, 2, 1), "come to"),
        ([*INCREMENTS, Increment("a", "c1", 8, 9, 3)], _count(4, 2, 2), "2 increments came to 3"),
        ([*INCREMENTS[:3], Increment("a", "c1", 8, 9, 2)], _count(4, 2, 2), "after one that had come to 3"),
    ],
)
def test_dishonest_counters(increments: list[Increment], stored: list[dict[str, Any]], word: str) -> None:
    assert word in "\n".join(counters.violations(increments, stored))


TRANSFERS = [
    Transfer("t1", "account-0", "account-1", 30, DONE),
    Transfer("t2", "account-1", "account-2", 20, UNKNOWN),
    Transfer("t3", "account-2", "account-3", 10, UNKNOWN),
    Transfer("t4", "account-3", "account-4", 5, REFUSED),
]


def _records(*transfers: Transfer, times: int = 1) -> dict[str, Any]:
    return {
        each.id: {
            "p": {"S": each.id},
            "payer": {"S": each.payer},
            "payee": {"S": each.payee},
            "amount": {"N": str(each.amount)},
            "times": {"N": str(times)},
        }
        for each in transfers
    }


def _balances(**changes: int) -> dict[str, int]:
    found = {f"account-{number}": START for number in range(ACCOUNTS)}
    for name, change in changes.items():
        found[name.replace("_", "-")] += change
    return found


def test_honest_accounts() -> None:
    """A judge that cries without a reason is soon ignored."""
    balances = _balances(account_0=-30, account_1=10, account_2=20)
    assert accounts.violations(TRANSFERS, [START * ACCOUNTS] * 2, balances, _records(*TRANSFERS[:2])) == []


@pytest.mark.parametrize(
    ("sums", "balances", "records", "word"),
    [
        ([START * ACCOUNTS - 30], _balances(account_0=-30, account_1=30), _records(TRANSFERS[0]), "snapshot"),
        ([], _balances(), {}, "is lost"),
        ([], _balances(account_0=-30), _records(TRANSFERS[0]), "by the records"),  # half of it
        ([], _balances(account_0=-60, account_1=60), _records(TRANSFERS[0]), "by the records"),
        ([], _balances(account_0=-60, account_1=60), _records(TRANSFERS[0], times=2), "left"),
        ([], _balances(account_0=-30, account_1=30), _records(TRANSFERS[0], TRANSFERS[3]), "happened"),
        ([], _balances(account_0=-30, account_1=30), {**_records(TRANSFERS[0]), "x": {}}, "nobody made"),
        ([], _balances(account_0=-130, account_1=130), _records(TRANSFERS[0]), "overdrawn"),
    ],
)
def test_dishonest_accounts(sums: list[int], balances: dict[str, int], records: dict[str, Any], word: str) -> None:
    assert word in "\n".join(accounts.violations(TRANSFERS, sums, balances, records))


APPENDS = [
    Append("i", "a", 0, 1, DONE),
    Append("i", "b", 2, 3, DONE),
    Append("i", "c", 2, 9, UNKNOWN),
    Append("i", "d", 4, 5, REFUSED),
]


def _image(*entries: str) -> dict[str, Any]:
    return {"p": {"S": "i"}, "entries": {"L": [{"S": entry} for entry in entries]}}


def _stream(*images: dict[str, Any] | None) -> stream.Records:
    """One record for each image, with that before as the old one."""
    records, old = [], None
    for number, image in enumerate(images):
        change: dict[str, Any] = {"Keys": {"p": {"S": "i"}}, "SequenceNumber": str(number)}
        change |= {"OldImage": old} if old else {}
        change |= {"NewImage": image} if image else {}
        records.append({"eventID": str(number), "dynamodb": change})
        old = image
    return {"shard": records}


@pytest.mark.parametrize("entries", ["ab", "abc", "acb"])
def test_honest_appends(entries: str) -> None:
    """What was appended at the same time may stand in either order, and what is unknown may be missing."""
    images = [_image(*entries[: number + 1]) for number in range(len(entries))]
    assert appends.violations(APPENDS, _stream(*images), {"i": images[-1]}) == []


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ("a", "acknowledged b is lost"),
        ("", "acknowledged a is lost"),
        ("aba", "a is there 2 times"),
        ("ba", "a is behind one that came after it"),
        ("abd", "nobody appended it"),
        ("abx", "nobody appended it"),
    ],
)
def test_dishonest_appends(entries: str, word: str) -> None:
    """The canary of the judge: one history for each thing that it is there to find."""
    images = [_image(*entries[: number + 1]) for number in range(len(entries))]
    stored = {"i": images[-1]} if images else {}
    assert word in "\n".join(appends.violations(APPENDS, _stream(*images), stored))


def _without(records: stream.Records) -> None:
    del records["shard"][1]


def _doubled(records: stream.Records) -> None:
    records["shard"].insert(1, records["shard"][0])


def _turned(records: stream.Records) -> None:
    records["shard"][0], records["shard"][1] = records["shard"][1], records["shard"][0]


def _cut(records: stream.Records) -> None:
    records["shard"].pop()


@pytest.mark.parametrize(
    ("harm", "word"),
    [(_without, "missing"), (_doubled, "came twice"), (_turned, "do not grow"), (_cut, "not the item")],
)
def test_a_dishonest_stream(harm: Callable[[stream.Records], None], word: str) -> None:
    """The canary of the judge: each harm that a stream can come to is seen."""
    images = [_image(*"abc"[: number + 1]) for number in range(3)]
    records = _stream(*images)
    assert list(stream.violations(records, {"i": images[-1]})) == []
    harm(records)
    assert word in "\n".join(stream.violations(records, {"i": images[-1]}))


def test_an_index_unlike_its_table() -> None:
    item = {"p": {"S": "a"}, "c": {"N": "1"}, "v": {"S": "x"}, "color": {"S": "red"}}
    entry = {name: item[name] for name in ("p", "c", "color")}
    index = GLOBAL[0]
    assert differences(index, [item], [entry]) == []
    assert "lacks" in "".join(differences(index, [item], []))
    assert "the table does not" in "".join(differences(index, [item], [entry, entry]))
