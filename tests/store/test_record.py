"""Records: members come and go with releases, and no release loses what another has written."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from tests.store.kit import Kit

from statordb.engine.contract import FormatTooNew
from statordb.store import formats
from statordb.store.record import Kind, Record


@dataclass(frozen=True, slots=True)
class Wheel(Record):
    size: int
    worn: bool = False


@dataclass(frozen=True, slots=True)
class Cart(Record):
    name: str
    front: Wheel | None = None
    others: list[Wheel] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


CARTS = Kind(Cart)
CART = Cart("a", Wheel(1), [Wheel(2), Wheel(3, worn=True)], {"size": {"deep": [1]}})


def test_a_record_comes_back_as_it_was() -> None:
    assert CARTS.load(CARTS.dump(CART)) == CART
    assert CARTS.load(CARTS.dump(Cart("b"))) == Cart("b")


def test_members_that_are_missing_have_their_defaults() -> None:
    assert CARTS.load(b'{"name":"a"}') == Cart("a")
    assert CARTS.load(b'\x01{"name":"a","front":{"size":1}}') == Cart("a", Wheel(1))


def test_members_of_a_newer_release_are_kept_when_a_row_is_rewritten() -> None:
    newer = {"name": "a", "paint": "red", "front": {"size": 1, "spokes": 9}, "others": [{"size": 2, "spokes": 8}]}
    record = CARTS.load(orjson.dumps(newer))
    assert record.front is not None
    changed = replace(record, name="b", front=replace(record.front, worn=True))
    told = orjson.loads(CARTS.dump(changed))
    assert told["paint"] == "red"
    assert told["front"] == {"size": 1, "worn": True, "spokes": 9}
    assert told["others"][0]["spokes"] == 8


def test_steps_lead_on_from_every_format() -> None:
    def weigh(members: dict[str, Any]) -> dict[str, Any]:
        return {**members, "options": {"weight": 1}}

    def double(members: dict[str, Any]) -> dict[str, Any]:
        return {**members, "options": {"weight": 2 * members["options"]["weight"]}}

    today = Kind(Cart, (weigh, double))
    assert today.format == 3
    assert [today.load(body).options["weight"] for body in (b'{"name":"a"}', b'{"name":"a","format":1}')] == [2, 2]
    assert today.load(b'{"name":"a","format":2,"options":{"weight":5}}').options == {"weight": 10}
    third = today.load(b'{"name":"a","format":3,"options":{"weight":5}}')
    assert third.options == {"weight": 5}
    assert orjson.loads(today.dump(third))["format"] == 3
    with pytest.raises(FormatTooNew):
        CARTS.load(today.dump(third))


def test_what_is_no_record_is_not_kept() -> None:
    with pytest.raises(TypeError):
        CARTS.dump(replace(CART, options={"a": object()}))


def test_a_store_whose_records_are_newer_is_refused(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, when it is opened, and not row by row in the middle of requests."""
    kit.run(formats.admit(kit.engine, kit.clock.now()))
    kit.run(formats.admit(kit.engine, kit.clock.now()))
    with monkeypatch.context() as newer:
        newer.setattr(formats, "KINDS", (*formats.KINDS, Kind(Cart, (dict, dict))))
        kit.run(formats.admit(kit.engine, kit.clock.now()))
    with pytest.raises(FormatTooNew) as refused:
        kit.run(formats.admit(kit.engine, kit.clock.now()))
    assert refused.value.args == (formats.current() + 2, formats.current())
