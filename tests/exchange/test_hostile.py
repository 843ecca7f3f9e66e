"""Objects that are made to hurt: each step stays small, in bytes and in time, and each ends."""

import sys
import tracemalloc
import zlib

import orjson
import pytest
from backports import zstd
from tests.exchange.strategies import PACKERS, read

from statordb.exchange.delimited import CsvOptions
from statordb.exchange.entries import Fault
from statordb.exchange.lines import TOO_LONG
from statordb.exchange.packing import TOO_MUCH, UNPACKERS
from statordb.exchange.reading import Reader
from statordb.model.limits import EXCHANGE_LINE_BYTES_MAX, EXCHANGE_SLICE_BYTES, MIB

BOMB_BYTES = 32 * MIB


def last_of(reader: Reader, pieces: list[bytes]) -> Fault:
    found = read(reader, pieces)
    assert isinstance(found[-1], Fault)
    return found[-1]


@pytest.mark.parametrize("compression", ["GZIP", "ZSTD"])
def test_a_bomb_is_unpacked_slice_by_slice(compression: str) -> None:
    """One step gives no more than a slice, however little it was packed in."""
    packed = PACKERS[compression](b" " * BOMB_BYTES)
    unpacker = UNPACKERS[compression]()
    steps = 0
    tracemalloc.start()
    for text in unpacker.feed(packed[: 64 * 1024]):
        assert len(text) <= EXCHANGE_SLICE_BYTES
        steps += 1
        if steps > 100:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert steps > 100
    assert peak < MIB


def test_frames_of_zstd_may_not_stand_for_more_than_members_of_gzip() -> None:
    """10 MB in less than a kilobyte."""
    fault = last_of(Reader("DYNAMODB_JSON", "ZSTD"), [zstd.compress((b" " * 1023 + b"\n") * 10 * 1024)])
    assert fault.message == TOO_MUCH
    assert fault.stops


def test_the_window_of_zstd_is_bounded() -> None:
    """A frame that asks for 128 MiB of memory."""
    options = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=options)
    packed = packer.compress(b"x" * 100) + packer.flush()
    fault = last_of(Reader("DYNAMODB_JSON", "ZSTD"), [packed])
    assert "damaged" in fault.message
    assert fault.stops


@pytest.mark.parametrize("form", ["DYNAMODB_JSON", "ION", "CSV"])
@pytest.mark.parametrize("compression", ["NONE", "GZIP"])
def test_a_line_without_an_end_is_held_up_to_a_bound(form: str, compression: str) -> None:
    data = b"x" * (EXCHANGE_LINE_BYTES_MAX + 1)
    reader = Reader(form, compression)
    fault = last_of(reader, [PACKERS[compression](data)])
    assert fault == Fault(0, 0, TOO_LONG, True)


def test_a_quoted_cell_without_an_end_is_held_up_to_a_bound() -> None:
    data = b'a\n"' + (b"x" * 1023 + b"\n") * (EXCHANGE_LINE_BYTES_MAX // 1024)
    assert last_of(Reader("CSV"), [data]).stops


@pytest.mark.parametrize("levels", [31, 32, 33, 100, 2000, 100_000])
@pytest.mark.parametrize("form", ["DYNAMODB_JSON", "ION"])
def test_deep_nesting_is_refused_and_no_more(form: str, levels: int) -> None:
    if form == "ION":
        line = b"{Item:{a:" + b"[" * levels + b"]" * levels + b"}}"
    else:
        line = b'{"Item":{"a":' + b'{"L":[' * levels + b"]}" * levels + b"}}"
    (found,) = read(Reader(form), [line])
    assert isinstance(found, Fault) == (levels > 31)


@pytest.mark.parametrize("digits", [39, 5000, 400_000])
def test_huge_numbers(digits: int) -> None:
    """Python refuses to convert texts of more than 4,300 digits, in its own words."""
    assert sys.get_int_max_str_digits() < 5000
    for reader, line in (
        (Reader("DYNAMODB_JSON"), orjson.dumps({"Item": {"a": {"N": "1" * digits}}})),
        (Reader("DYNAMODB_JSON"), orjson.dumps({"Item": {"a": {"N": "1e" + "1" * digits}}})),
        (Reader("ION"), b"{Item:{a:" + b"1" * digits + b"}}"),
        (Reader("ION"), b"{Item:{a:1d-" + b"1" * digits + b"}}"),
        (Reader("CSV", csv=CsvOptions(header=("a",)), key_types={"a": "N"}), b"1" * digits),
    ):
        assert not last_of(reader, [line]).stops
    assert last_of(Reader("DYNAMODB_JSON"), [b'{"Item":{"a":' + b"1" * digits + b"}}"])


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b"\\" * 200_000,
        b"'" * 200_001,
        b"{" * 200_000,
        b"{Item:{a:" + b" " * 200_000 + b"}}",
        b"{Item:{a:" + b"1_" * 100_000 + b"}}",
        b"{Item:{" + b"a" * 200_000 + b" " * 200_000,
        b'{Item:{a:"' + b"\\x" * 100_000,
        b"{Item:{a:{{" + b"=" * 200_000,
    ],
)
def test_ion_that_would_be_tried_again_and_again(text: bytes) -> None:
    """No pattern goes back over what it has matched, more than once."""
    assert last_of(Reader("ION"), [text])


def test_csv_that_would_be_tried_again_and_again() -> None:
    row = b'"' + b'""' * 100_000 + b'x",' * 3 + b'"'
    assert last_of(Reader("CSV", csv=CsvOptions(header=("a",))), [row])


def test_an_endless_row_of_empty_members_lets_others_on() -> None:
    """Each step looks at one."""
    empty = PACKERS["GZIP"](b"")
    steps = sum(1 for _ in UNPACKERS["GZIP"]().feed(empty * 1000))
    assert steps >= 1000


def test_many_small_members_are_not_copied_for_each_other() -> None:
    """What is fed in one go is bounded, since the rest of it is copied for each member."""
    member = zlib.compress(b"\n", wbits=31)
    reader = Reader("DYNAMODB_JSON", "GZIP")
    assert read(reader, [member * 5_000]) == []
    assert reader.unpacked_bytes == 5_000
