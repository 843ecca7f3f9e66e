"""Spaces that no record names are given back, and never one that a record comes to name."""

from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Around

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Use
from statordb.keeper.spaces import UNNAMED_SECONDS, Spaces
from statordb.model.request import Request
from statordb.store.store import Store

CREATE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
}


def there(api: Api) -> list[int]:
    found: list[int] = api.run(api.store.engine.spaces())
    return found


def test_what_nobody_names_goes_after_a_while(api: Api) -> None:
    api("CreateTable", **CREATE)
    named = there(api)
    for use in Use:
        api.run(api.store.engine.create_space(use))
    duty = Spaces(api.store)
    api.run(duty.run_once())
    api.clock.advance(UNNAMED_SECONDS - 1)
    api.run(duty.run_once())
    assert len(there(api)) == len(named) + len(Use)
    api.clock.advance(1)
    api.run(duty.run_once())
    assert there(api) == named


def test_a_refused_operation_leaves_nothing_at_once(api: Api) -> None:
    api("CreateTable", **CREATE)
    named = there(api)
    stream = CREATE["StreamSpecification"]
    api.refused("UpdateTable", TableName="abc", StreamSpecification=stream)
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    expiry = set(there(api)) - set(named)
    api.refused("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    index = {"IndexName": "ggg", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}
    change = {"Create": {**index, "Projection": {"ProjectionType": "ALL"}}}
    redefined = [{"AttributeName": "p", "AttributeType": "N"}]  # which is told when the space of the index is there
    api.refused("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[change], AttributeDefinitions=redefined)
    assert there(api) == [*named, *expiry]


class Slow(Around):
    """Something happens when spaces have been made, and their record is not yet there."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.store.engine)
        self.api = api
        self.duty = Spaces(api.store)
        self.swept = False

    async def update(self, *arguments: Any) -> Any:
        guards = arguments[2] if len(arguments) > 2 else ()
        if guards and not self.swept:
            self.swept = True
            for _ in range(2):
                await self.duty.run_once()
                self.api.clock.advance(UNNAMED_SECONDS)
        return await self.inner.update(*arguments)


def test_a_record_that_is_too_slow_names_nothing_that_was_given_back(api: Api) -> None:
    engine = Slow(api)
    api.store = Store(engine.as_engine(), api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
    assert api.refused("CreateTable", **CREATE).code == "ThrottlingException"
    assert there(api) == []
    api("CreateTable", **CREATE)
    api("PutItem", TableName="abc", Item={"p": {"S": "a"}})


def test_time_to_live_that_is_disabled_meanwhile_gets_an_index_of_its_own(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever enables it looked before, and saw that there was one."""
    api("CreateTable", **CREATE)
    on, off = ({"AttributeName": "t", "Enabled": enabled} for enabled in (True, False))
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification=on)
    disabling = Request(
        "UpdateTimeToLive", orjson.dumps({"TableName": "abc", "TimeToLiveSpecification": off}), PRINCIPAL, ""
    )
    change = api.store.catalog.change

    async def overtaken(*arguments: Any) -> Any:
        monkeypatch.undo()
        await api.dispatcher.handle(disabling)
        return await change(*arguments)

    monkeypatch.setattr(api.store.catalog, "change", overtaken)
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification=on)
    (record,) = api.run(api.store.catalog.all())
    assert record.expiry is not None
    assert record.expiry.space in there(api)
