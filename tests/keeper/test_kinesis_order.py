"""The order in which changes arrive whatever fails meanwhile."""

import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.in_process import Api
from tests.keeper.kinesis_stream import Memory, create, duty_of, enable, put, work

from statordb.keeper import kinesis_window


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from("abc"), st.sampled_from("123")),
            st.tuples(st.just("delete"), st.sampled_from("abc")),
            st.tuples(st.just("send"), st.sets(st.integers(0, 3)), st.booleans()),
            st.tuples(st.just("restart")),
            st.tuples(st.just("pass")),
        ),
        max_size=40,
    )
)
@pytest.mark.slow
def test_what_arrives_is_what_happened(steps: list[tuple[Any, ...]]) -> None:
    """Each item's changes in order, each once to a consumer who knows event ids, whatever is refused, lost or dies."""
    with mock.patch.multiple(kinesis_window, ITEM_RECORDS_MAX=2, LOOK_AHEAD_RECORDS_MAX=8):
        _try(steps)


def _try(steps: list[tuple[Any, ...]]) -> None:
    directory = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    api, stream = Api(directory), Memory()
    create(api)
    enable(api)
    duty = duty_of(api, stream)
    items: dict[str, str] = {}
    happened: list[tuple[str, str | None]] = []
    for kind, *details in steps:
        if kind == "put":
            name, value = details
            put(api, name, value)
            if items.get(name) != value:
                items[name] = value
                happened.append((name, value))
        elif kind == "delete":
            api("DeleteItem", TableName="carts", Key={"p": {"S": details[0]}})
            if items.pop(details[0], None) is not None:
                happened.append((details[0], None))
        elif kind == "send":
            refused, stream.down = details
            numbers = iter(range(1000))
            stream.refuses = lambda entry, numbers=numbers, refused=refused: (  # type: ignore[misc]
                "InternalFailure" if next(numbers) in refused else None
            )
            work(api, duty, turns=2)
        elif kind == "restart":
            api.restart()
            duty = duty_of(api, stream)
        else:
            api.clock.advance(1)
    stream.down, stream.refuses = False, lambda entry: None
    work(api, duty, turns=100)
    told = [
        (event["dynamodb"]["Keys"]["p"]["S"], event["dynamodb"].get("NewImage", {}).get("v", {}).get("S"))
        for event in stream.told()
    ]
    for name in "abc":
        assert [change for change in told if change[0] == name] == [one for one in happened if one[0] == name]
    assert all(len({entry.partition_key for entry in call}) == len(call) for call in stream.calls)
    api.close()
    api.loop.close()
    shutil.rmtree(directory)
