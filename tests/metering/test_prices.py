"""Price sheets: the one that comes with the package, and what is said of a file that is none."""

import json
from decimal import Decimal
from typing import Any

import pytest

from statordb.metering.prices import BUNDLED, SHEET_BYTES_MAX, BadSheet, parse

BUNDLED_SHEET = parse(BUNDLED.read_bytes())
_GONE = object()


def sheet(**changes: Any) -> bytes:
    """A good sheet, but for what is changed."""
    members: dict[str, Any] = {
        "format": 1,
        "date": "2026-11-01",
        "currency": "USD",
        "sources": ["ours"],
        "usage_types": {"WriteRequestUnits": {"unit": "Units"}},
        "regions": {"here": {"code": "H1", "prices": {"WriteRequestUnits": [[0, 0], [10, "PRICE"]]}}},
        **changes,
    }
    kept = {name: value for name, value in members.items() if value is not _GONE}
    return json.dumps(kept).replace('"PRICE"', "0.000000625").encode()


def fault(text: bytes) -> str:
    with pytest.raises(BadSheet) as raised:
        parse(text)
    return str(raised.value)


def test_prices_are_exact() -> None:
    tiers = parse(sheet()).tiers("here", "WriteRequestUnits")
    assert tiers is not None
    assert [(tier.begins, tier.price) for tier in tiers] == [(0, 0), (10, Decimal("0.000000625"))]


def test_the_bundled_sheet_has_what_aws_charges_in_us_east_1() -> None:
    price = BUNDLED_SHEET.list_price
    assert price("us-east-1", "WriteRequestUnits") == Decimal("0.625") / 10**6
    assert price("us-east-1", "ReadRequestUnits") == Decimal("0.125") / 10**6
    assert price("us-east-1", "WriteCapacityUnit-Hrs") == Decimal("0.00065")
    assert price("us-east-1", "TimedStorage-ByteHrs") == Decimal("0.25")
    assert price("eu-central-1", "WriteRequestUnits") == Decimal("0.7625") / 10**6


def test_what_a_sheet_does_not_know_is_unknown() -> None:
    """Also where AWS certainly has a price: nobody is billed by a guess."""
    assert BUNDLED_SHEET.tiers("sa-east-1", "WriteRequestUnits") is None
    assert BUNDLED_SHEET.tiers("nowhere-1", "WriteRequestUnits") is None
    assert BUNDLED_SHEET.list_price("us-east-1", "NoSuchType") is None
    null = {"here": {"code": "H1", "prices": {"WriteRequestUnits": None}}}
    assert parse(sheet(regions=null)).tiers("here", "WriteRequestUnits") is None


@pytest.mark.parametrize(
    ("region", "usage_type", "name"),
    [
        ("us-east-1", "WriteRequestUnits", "WriteRequestUnits"),
        ("us-east-1", "Streams-Requests", "USE1-Streams-Requests"),
        ("us-east-1", "TimedPITRStorage-ByteHrs", "USE1-TimedPITRStorage-ByteHrs"),
        ("eu-west-1", "IA-TimedStorage-ByteHrs", "EU-IA-TimedStorage-ByteHrs"),
        ("sa-east-1", "ReadCapacityUnit-Hrs", "SAE1-ReadCapacityUnit-Hrs"),
        ("nowhere-1", "ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hrs"),
    ],
)
def test_usage_types_are_called_as_on_awss_bills(region: str, usage_type: str, name: str) -> None:
    assert BUNDLED_SHEET.billed_as(region, usage_type) == name


def test_every_bundled_region_has_a_code_of_its_own() -> None:
    codes = [region.code for region in BUNDLED_SHEET.regions.values()]
    assert len(codes) == len(set(codes))
    assert [name for name, region in BUNDLED_SHEET.regions.items() if region.home] == ["us-east-1"]


def priced(tiers: Any) -> bytes:
    return sheet(regions={"here": {"code": "H1", "prices": {"WriteRequestUnits": tiers}}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"format": 1e99999999999999999999}', "it is no JSON"),
        (b'{"format": NaN}', "NaN is no number"),
        (b'{"format": 1, "format": 1}', "the member 'format' is there twice"),
        (b"7", "the file is not an object"),
        (b" " * (SHEET_BYTES_MAX + 1), "it is longer than 1048576 bytes"),
        (sheet(format=2), "format is not 1"),
        (sheet(format=_GONE), "format is not 1"),
        (sheet(date="yesterday"), "date is not a text of the form"),
        (sheet(currency="dollars"), "currency is not a text of the form [A-Z]{3}"),
        (sheet(sources="AWS"), "sources is not a list of texts"),
        (sheet(regions=[]), "regions is not an object of at most 200 members"),
        (sheet(regoins={}), "the file has a member 'regoins', which is none of currency, "),
        (sheet(usage_types={"A b": {"unit": "x"}}), "usage_types has a member 'A b', which is no name"),
        (sheet(usage_types={"A": {}}), "usage_types.A.unit is not a text"),
        (sheet(usage_types={"A": {"unit": "x", "prefixed_at_home": 1}}), "usage_types.A.prefixed_at_home is neither"),
        (sheet(regions={"here": {}}), "regions.here.code is not a text of the form [A-Z0-9]{1,10}"),
        (sheet(usage_types={}), "regions.here.prices.WriteRequestUnits is not one of usage_types"),
        (priced([]), "regions.here.prices.WriteRequestUnits is not a list of 1 to 50 pairs"),
        (priced(0.25), "regions.here.prices.WriteRequestUnits is not a list of 1 to 50 pairs"),
        (priced([[0]]), "regions.here.prices.WriteRequestUnits[0] is not a pair of a quantity and a price"),
        (priced([[0, "0.25"]]), "regions.here.prices.WriteRequestUnits[0][1] is not a number from 0 to 1e+18"),
        (priced([[0, -1]]), "regions.here.prices.WriteRequestUnits[0][1] is not a number from 0 to 1e+18"),
        (priced([[0, 1e-19]]), "regions.here.prices.WriteRequestUnits[0][1] has more than 18 places after the point"),
        (priced([[1, 1]]), "regions.here.prices.WriteRequestUnits does not begin with the quantity 0"),
        (
            priced([[0, 1], [5, 2], [5, 3]]),
            "regions.here.prices.WriteRequestUnits is not in the order of its quantities",
        ),
    ],
)
def test_a_bad_sheet_is_told_by_where_and_why(text: bytes, said: str) -> None:
    assert said in fault(text)
