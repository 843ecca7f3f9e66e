"""What is wrong with a text is told with its place; what is behind it is read, or not, as on AWS."""

import gzip

import pytest
from backports import zstd
from tests.exchange.strategies import PACKERS, read

from statordb.exchange.entries import NO_VALUES, Entry, Fault, Record
from statordb.exchange.json_lines import NO_ITEM, NO_TIME
from statordb.exchange.packing import CUT_OFF
from statordb.exchange.reading import Reader

GOOD = b'{"Item":{"a":{"S":"x"}}}\n'
GOOD_ION = b'$ion_1_0 {Item:{a:"x"}}\n'


@pytest.mark.parametrize(("form", "good"), [("DYNAMODB_JSON", GOOD), ("ION", GOOD_ION)])
def test_a_line_that_cannot_be_parsed_ends_its_object(form: str, good: bytes) -> None:
    """Ten lines, the sixth bad: six are processed, five imported (DDB-IMPORT-013)."""
    reader = Reader(form)
    found = read(reader, [good * 5 + b"garbage\n" + good * 4])
    assert [type(one) for one in found] == [Entry] * 5 + [Fault]
    fault = found[-1]
    assert isinstance(fault, Fault)
    assert (fault.item_index, fault.line, fault.stops) == (5, 6, True)
    assert reader.stopped
    assert read(reader, [good]) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[]", NO_ITEM),
        (b'{"a":{"S":"x"}}', NO_ITEM),
        (b'{"Item":[]}', NO_VALUES),
        (b'{"Item":{"a":"x"}}', NO_VALUES),
        (b'{"Item":{"a":{"S":1}}}', NO_VALUES),
        (b'{"Item":{"a":{"X":"x"}}}', NO_VALUES),
        (b'{"Item":{"a":{"S":"x","N":"1"}}}', NO_VALUES),
        (b'{"Item":{"a":{"B":"x"}}}', NO_VALUES),
        (b'{"Item":{"a":{"BS":["aGk"]}}}', NO_VALUES),
        (b'{"Item":{"a":{"N":"x"}}}', "The parameter cannot be converted to a numeric value: x"),
        (
            b'{"Item":{"a":{"N":"1e126"}}}',
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (b'{"Item":{"a":{"SS":[]}}}', "One or more parameter values were invalid: An string set  may not be empty"),
        (b'{"Item":{"a":{"S":"' + b"x" * 409_600 + b'"}}}', "Item size has exceeded the maximum allowed size"),
        (b'{"Keys":{"a":{"S":"x"}}}', NO_TIME),
        (b'{"Keys":{"a":{"S":"x"}},"Metadata":{"WriteTimestampMicros":{"N":"-1"}}}', NO_TIME),
        (b'{"Keys":{"a":{"S":"x"}},"Metadata":{"WriteTimestampMicros":7}}', NO_TIME),
        (b'{"Keys":3,"Metadata":{"WriteTimestampMicros":{"N":"1"}}}', NO_VALUES),
    ],
)
def test_an_item_that_may_not_be_is_left_out_alone(line: bytes, message: str) -> None:
    found = read(Reader("DYNAMODB_JSON"), [GOOD + b"\n" + line + b"\n" + GOOD])
    assert [type(one) for one in found] == [Entry, Fault, Entry]
    assert found[1] == Fault(1, 3, message, False)


@pytest.mark.parametrize(
    "line",
    [
        b"$ion_1_1 {Item:{a:1.}}",
        b"{Item:{a:1.}} {Item:{a:1.}}",
        b"{Item:{a:1e0}}",
        b"{Item:{a:2007-02-23T}}",
        b"{Item:{a:symbol}}",
        b"{Item:{a:null.string}}",
        b"{Item:{a:(1 2)}}",
        b'{Item:{a:{{"clob"}}}}',
        b"{Item:{a:$unknown::[1.]}}",
        b"{Item:{a:$dynamodb_SS::{}}}",
        b"{Item:{$10:1.}}",
        b'{Item:{a:"x}}',
        b'{Item:{a:"\\q"}}',
        b'{Item:{a:"\\ud800"}}',
        b'{Item:{a:"\\UFFFFFFFF"}}',
        b"{Item:{a:1. b:2.}}",
        b"{Item:{a:[1. 2.]}}",
        b"{Item:{a:007}}",
        b"{Item:{a:+1.}}",
        b"{Item:{a:\xff}}",
        b"{Item:{a:1.}",
        b"{Item",
    ],
)
def test_ion_that_dynamodb_has_not(line: bytes) -> None:
    (fault,) = read(Reader("ION"), [line])
    assert isinstance(fault, Fault)
    assert fault.stops


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"{Item:1.}",
        b"{Record:{Keys:{a:1.}}}",
        b'{Record:{Metadata:{WriteTimestampMicros:"1"},Keys:{a:1.}}}',
        b"{Item:{a:1d126}}",
        b'{Item:{a:$dynamodb_NS::["x"]}}',
        b"{Item:{a:$dynamodb_SS::[]}}",
        b"{Item:{a:{{aGk}}}}",
    ],
)
def test_ion_that_is_no_item(line: bytes) -> None:
    found = read(Reader("ION"), [line + b"\n" + GOOD_ION])
    assert [type(one) for one in found] == [Fault, Entry]


def test_what_ion_may_have_and_exports_have_not() -> None:
    line = rb""" { 'Item' : { "a" : [ 1_0.5 , -0. , ] , b: '$dynamodb_NS' :: [ 1 , -2d1 ] , """
    line += rb""" c : "\x41\u00e9\ud83d\ude00" , } }"""
    (entry,) = read(Reader("ION"), [line])
    assert isinstance(entry, Entry), entry
    assert entry.item == {
        "a": {"L": [{"N": "10.5"}, {"N": "0"}]},
        "b": {"NS": ["-20", "1"]},
        "c": {"S": "Aé\U0001f600"},
    }


@pytest.mark.parametrize("compression", ["GZIP", "ZSTD"])
def test_compressed_data_that_is_cut_off(compression: str) -> None:
    packed = PACKERS[compression](GOOD)
    found = read(Reader("DYNAMODB_JSON", compression), [packed[:-1]])
    assert found[-1] == Fault(found[-1].item_index, found[-1].line, CUT_OFF, True)  # type: ignore[union-attr]


@pytest.mark.parametrize("compression", ["GZIP", "ZSTD"])
@pytest.mark.parametrize("damage", [lambda packed: b"plain" + packed, lambda packed: packed[:-4] + b"\x00\x01\x02\x03"])
def test_compressed_data_that_is_damaged(compression: str, damage: object) -> None:
    """In its head, and in its checksum."""
    options = {zstd.CompressionParameter.checksum_flag: 1}
    packed = gzip.compress(GOOD) if compression == "GZIP" else zstd.compress(GOOD, options=options)
    reader = Reader("DYNAMODB_JSON", compression)
    found = read(reader, [damage(packed)])  # type: ignore[operator]
    assert isinstance(found[-1], Fault)
    assert found[-1].message.startswith("The compressed data is damaged")
    assert reader.stopped


@pytest.mark.parametrize("compression", ["GZIP", "ZSTD"])
def test_members_behind_each_other_are_one_text(compression: str) -> None:
    """As parallel compressors write them, an empty one among them; and zeros that fill up a block."""
    pack = PACKERS[compression]
    data = pack(GOOD[:5]) + pack(b"") + pack(GOOD[5:] + GOOD)
    assert [type(one) for one in read(Reader("DYNAMODB_JSON", compression), [data])] == [Entry, Entry]
    padded = data + b"\0" * 100
    assert [type(one) for one in read(Reader("DYNAMODB_JSON", compression), [padded])] == [Entry, Entry]


def test_a_delete_has_neither_image() -> None:
    line = b'{"Metadata":{"WriteTimestampMicros":{"N":"5"}},"Keys":{"a":{"S":"x"}}}'
    assert read(Reader("DYNAMODB_JSON"), [line]) == [Record(0, 5, {"a": {"S": "x"}}, None, None)]
