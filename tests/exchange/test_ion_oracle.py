"""Ion beside AWS's own library for it: each reads what the other writes."""

from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

import orjson
import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyBytes, IonPyDecimal, IonPyDict, IonPyList, IonPyNull, IonPyText
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.strategies import items, names, normalised, numbers, read, stored, texts

from statordb.exchange.entries import Entry, Fault
from statordb.exchange.ion_lines import item_line, record_line
from statordb.exchange.reading import Reader

ANNOTATIONS = {"$dynamodb_SS": "SS", "$dynamodb_NS": "NS", "$dynamodb_BS": "BS"}
PLAIN: dict[Any, tuple[str, Any]] = {
    IonType.STRING: ("S", str),
    IonType.DECIMAL: ("N", lambda value: str(Decimal(value)).lower()),
    IonType.INT: ("N", str),
    IonType.BLOB: ("B", lambda value: b64encode(bytes(value)).decode()),
    IonType.BOOL: ("BOOL", bool),
    IonType.NULL: ("NULL", lambda value: True),
}


def as_wire(value: Any) -> dict[str, Any]:
    """A value of the library as the developer guide's table of types has it."""
    if value.ion_type in PLAIN:
        tag, convert = PLAIN[value.ion_type]
        return {tag: convert(value)}
    if value.ion_type is IonType.STRUCT:
        return {"M": {name: as_wire(value[name]) for name in value}}
    assert value.ion_type is IonType.LIST
    members = [as_wire(member) for member in value]
    if value.ion_annotations:
        return {ANNOTATIONS[value.ion_annotations[0].text]: [next(iter(member.values())) for member in members]}
    return {"L": members}


def as_ion(value: dict[str, Any]) -> Any:
    """The other way round."""
    ((tag, content),) = value.items()
    if tag == "S":
        return IonPyText.from_value(IonType.STRING, content)
    if tag == "N":
        return IonPyDecimal.from_value(IonType.DECIMAL, Decimal(content))
    if tag == "B":
        return IonPyBytes.from_value(IonType.BLOB, b64decode(content))
    if tag == "NULL":
        return IonPyNull.from_value(IonType.NULL, None)
    if tag == "BOOL":
        return content
    if tag == "M":
        return IonPyDict.from_value(IonType.STRUCT, {name: as_ion(member) for name, member in content.items()})
    if tag == "L":
        return IonPyList.from_value(IonType.LIST, [as_ion(member) for member in content])
    members = [as_ion({tag[0]: member}) for member in content]
    return IonPyList.from_value(IonType.LIST, members, (f"$dynamodb_{tag}",))


@settings(max_examples=25)
@given(items)
def test_the_library_reads_what_is_written(item: dict[str, Any]) -> None:
    value = simpleion.loads(item_line(stored(item)))
    assert list(value) == ["Item"]
    assert normalised({"Item": as_wire(value["Item"])})["Item"] == {"M": item}


@settings(max_examples=15)
@given(items, st.integers(0, 10**17))
def test_the_library_reads_records(item: dict[str, Any], micros: int) -> None:
    record = simpleion.loads(record_line(micros, stored(item), stored(item), None))["Record"]
    assert Decimal(record["Metadata"]["WriteTimestampMicros"]) == micros
    assert list(record) == ["Keys", "Metadata", "NewImage"]


@settings(max_examples=25)
@given(items)
def test_what_the_library_writes_is_read(item: dict[str, Any]) -> None:
    value = IonPyDict.from_value(IonType.STRUCT, {"Item": as_ion({"M": item})})
    text = simpleion.dumps(value, binary=False)
    (entry,) = read(Reader("ION"), [text.encode()])
    assert isinstance(entry, Entry), (entry, text)
    assert entry.item == item


@given(st.text(alphabet="{}[]:,\"'\\$abx019.d-+_ \t", max_size=20))
def test_what_is_no_ion_to_the_library_is_none_here(text: str) -> None:
    """Read only where the library reads it too, with the same value."""
    line = f"{{Item:{{a:{text}}}}}"
    (found,) = read(Reader("ION"), [line.encode()])
    if isinstance(found, Fault):
        return
    assert isinstance(found, Entry)
    value = simpleion.loads(line)
    assert normalised({"Item": as_wire(value["Item"])})["Item"] == {"M": found.item}


@settings(max_examples=60)
@given(numbers)
def test_numbers_are_written_as_they_are_meant(text: str) -> None:
    item = normalised({"n": {"N": text}})
    line = item_line(stored(item))
    assert Decimal(simpleion.loads(line)["Item"]["n"]) == Decimal(text)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0", "0."),
        ("103", "103."),
        ("600", "6d2"),
        ("-2000", "-2d3"),
        ("1.5", "1.5"),
        ("-0.000001", "-0.000001"),
        ("0.0000001", "1d-7"),
        ("-0.00000123", "-0.00000123"),
        ("0.000000123", "123d-9"),
        ("123.000000001", "123.000000001"),
    ],
)
def test_the_form_of_numbers(number: str, written: str) -> None:
    """As Ion's Java library prints decimals whose zeros were stripped."""
    assert item_line(orjson.dumps({"n": {"N": number}})) == f"$ion_1_0 {{Item:{{n:{written}}}}}\n"


@given(names | texts)
def test_names_are_symbols(name: str) -> None:
    if not name:
        return
    line = item_line(orjson.dumps({name: {"BOOL": True}}))
    assert list(simpleion.loads(line)["Item"]) == [name]
