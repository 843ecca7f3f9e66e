"""Writes that wait together go together, each is told its own outcome, and no one waits for ever."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from statordb.engine.cassandra.cql.session import Missing, Statement, Unreachable
from statordb.engine.cassandra.owed.bundles import Bundles


class Requests:
    """Takes requests, and answers when it is told to."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.faults: dict[str, Exception] = {}
        self._gate = asyncio.Event()

    def answer(self) -> None:
        self._gate.set()

    async def write_all(self, statements: Sequence[Statement]) -> None:
        texts = [text for text, _ in statements]
        self.sent.append(texts)
        await self._gate.wait()
        for text in texts:
            if text in self.faults:
                raise Unreachable("one of them")

    async def write(self, text: str, *values: Any) -> None:
        self.sent.append([text])
        await self._gate.wait()
        if text in self.faults:
            raise self.faults[text]


def bundles(requests: Requests, **limits: Any) -> Bundles:
    return Bundles(requests, **({"statements_max": 10} | limits))  # type: ignore[arg-type]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_comes_while_a_request_is_under_way_goes_with_the_next() -> None:
    async def story() -> None:
        requests = Requests()
        writes = bundles(requests)
        waiting = [asyncio.ensure_future(writes.write("key", ("first", ())))]
        await turns()
        waiting += [asyncio.ensure_future(writes.write("key", (text, ()))) for text in ("second", "third")]
        await turns()
        assert requests.sent == [["first"]]
        assert not any(each.done() for each in waiting)
        requests.answer()
        await asyncio.gather(*waiting)
        assert requests.sent == [["first"], ["second", "third"]]

    asyncio.run(story())


def test_keys_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        requests = Requests()
        writes = bundles(requests)
        waiting = [asyncio.ensure_future(writes.write(key, (key, ()))) for key in ("a", "b")]
        await turns()
        assert requests.sent == [["a"], ["b"]]
        requests.answer()
        await asyncio.gather(*waiting)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("limits", "sizes", "groups"),
    [
        ({"statements_max": 2}, [0] * 5, [2, 2, 1]),
        ({"bytes_max": 10}, [4, 4, 4, 20, 1], [2, 1, 1, 1]),
        ({"bytes_max": 10}, [10, 10], [1, 1]),
    ],
)
def test_requests_are_bounded(limits: dict[str, int], sizes: list[int], groups: list[int]) -> None:
    """By count and by bytes, in the order of their coming; what is too large by itself goes by itself."""

    async def story() -> None:
        requests = Requests()
        requests.answer()
        writes = bundles(requests, **limits)
        await asyncio.gather(*(writes.write("key", (str(at), ()), size) for at, size in enumerate(sizes)))
        assert [len(group) for group in requests.sent] == groups
        assert [text for group in requests.sent for text in group] == [str(at) for at in range(len(sizes))]

    asyncio.run(story())


def test_where_one_fails_the_others_are_written_by_themselves() -> None:
    async def story() -> None:
        requests = Requests()
        requests.faults["bad"] = Missing("no such table")
        requests.answer()
        writes = bundles(requests)
        outcomes = await asyncio.gather(
            *(writes.write("key", (text, ())) for text in ("good", "bad", "fine")), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), Missing, type(None)]
        assert requests.sent == [["good", "bad", "fine"], ["good"], ["bad"], ["fine"]]

    asyncio.run(story())


def test_one_who_no_longer_waits_keeps_nobody_from_the_rest() -> None:
    async def story() -> None:
        requests = Requests()
        writes = bundles(requests)
        gone = asyncio.ensure_future(writes.write("key", ("gone", ())))
        await turns()
        gone.cancel()
        later = asyncio.ensure_future(writes.write("key", ("later", ())))
        await turns()
        requests.answer()
        await later
        assert requests.sent == [["gone"], ["later"]]

    asyncio.run(story())
