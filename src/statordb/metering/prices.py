"""A price sheet: what a unit of each usage type costs in each region, by tiers of a month's quantity.

A sheet is a JSON file: `format` (1), `date`, `currency`, `sources`, `usage_types` (name -> `unit`, and perhaps
`prefixed_at_home`, `free_over_regions`), and `regions` (name -> AWS's `code` of it in bills, `prices`, and `home` for
the one whose code AWS leaves out). A price is a list of [from what quantity on, price of a unit]; null, or none, is
unknown. What is free for everybody is a first tier that costs nothing, as AWS's own price list has it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

BUNDLED = Path(__file__).parent / "price_sheets" / "2026-08.json"
SHEET_BYTES_MAX = 1024 * 1024
USAGE_TYPES_MAX = 500
REGIONS_MAX = 200
TIERS_MAX = 50
NUMBER_MAX = Decimal(10) ** 18
NUMBER_PLACES_MAX = 18
"""How many places after the point a price or a quantity has: beyond that, sums would no longer be exact."""
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9:._-]{1,100}")

UsageTypeName = str
"""AWS's, without the code of a region: WriteRequestUnits."""


class BadSheet(Exception):
    """A file is no price sheet. Its argument is a sentence that says where and why."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What a unit costs from some quantity of a month on."""

    begins: Decimal
    price: Decimal


Tiers = tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class UsageType:
    """unit                what is counted
    prefixed_at_home    whether AWS writes the region's code before it in us-east-1 too
    free_over_regions   what an account has free of charge in a month, all regions together
    """

    unit: str
    prefixed_at_home: bool = False
    free_over_regions: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    home: bool
    prices: Mapping[UsageTypeName, Tiers]


_UNKNOWN_TYPE = UsageType("")


@dataclass(frozen=True, slots=True)
class PriceSheet:
    date: str
    currency: str
    sources: tuple[str, ...]
    usage_types: Mapping[UsageTypeName, UsageType]
    regions: Mapping[str, Region]

    def tiers(self, region: str, usage_type: UsageTypeName) -> Tiers | None:
        """What it costs there; None if that is unknown."""
        known = self.regions.get(region)
        return None if known is None else known.prices.get(usage_type)

    def list_price(self, region: str, usage_type: UsageTypeName) -> Decimal | None:
        """What a unit costs there beyond what is free; None if that is unknown."""
        tiers = self.tiers(region, usage_type)
        return None if tiers is None else next((tier.price for tier in tiers if tier.price), Decimal(0))

    def usage_type(self, name: UsageTypeName) -> UsageType:
        """What is known of a usage type: nothing, but that it can be billed, of one that the sheet does not name."""
        return self.usage_types.get(name, _UNKNOWN_TYPE)

    def billed_as(self, region: str, usage_type: UsageTypeName) -> str:
        """Its name on a bill: EU-WriteRequestUnits. AWS writes no code before those of us-east-1, but for some."""
        known = self.regions.get(region)
        if known is None or (known.home and not self.usage_type(usage_type).prefixed_at_home):
            return usage_type
        return f"{known.code}-{usage_type}"


def parse(text: bytes) -> PriceSheet:
    """The sheet of a file's bytes. Raises BadSheet."""
    if len(text) > SHEET_BYTES_MAX:
        raise BadSheet(f"it is longer than {SHEET_BYTES_MAX} bytes")
    try:
        read = json.loads(
            text.decode("utf-8"),
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_members,
        )
    except (ValueError, ArithmeticError, RecursionError) as fault:
        raise BadSheet(f"it is no JSON: {fault}") from None
    sheet = _object(read, "the file", {"format", "date", "currency", "sources", "usage_types", "regions"})
    if sheet.get("format") != FORMAT:
        raise BadSheet(f"format is not {FORMAT}")
    types = _map(sheet.get("usage_types"), "usage_types", USAGE_TYPES_MAX)
    usage_types = {name: _usage_type(value, f"usage_types.{name}") for name, value in types.items()}
    regions = _map(sheet.get("regions"), "regions", REGIONS_MAX)
    return PriceSheet(
        date=_date(sheet.get("date")),
        currency=_text(sheet.get("currency"), "currency", r"[A-Z]{3}"),
        sources=_sources(sheet.get("sources", [])),
        usage_types=usage_types,
        regions={name: _region(value, f"regions.{name}", usage_types) for name, value in regions.items()},
    )


def _usage_type(value: Any, where: str) -> UsageType:
    members = _object(value, where, {"unit", "prefixed_at_home", "free_over_regions"})
    return UsageType(
        unit=_text(members.get("unit"), f"{where}.unit", r"[ -~]{1,50}"),
        prefixed_at_home=_flag(members.get("prefixed_at_home", False), f"{where}.prefixed_at_home"),
        free_over_regions=_number(members.get("free_over_regions", Decimal(0)), f"{where}.free_over_regions"),
    )


def _region(value: Any, where: str, usage_types: Mapping[str, UsageType]) -> Region:
    members = _object(value, where, {"code", "home", "prices"})
    prices = _map(members.get("prices", {}), f"{where}.prices", USAGE_TYPES_MAX)
    for name in prices:
        if name not in usage_types:
            raise BadSheet(f"{where}.prices.{name} is not one of usage_types")
    return Region(
        code=_text(members.get("code"), f"{where}.code", r"[A-Z0-9]{1,10}"),
        home=_flag(members.get("home", False), f"{where}.home"),
        prices={name: _tiers(tiers, f"{where}.prices.{name}") for name, tiers in prices.items() if tiers is not None},
    )


def _tiers(value: Any, where: str) -> Tiers:
    if not isinstance(value, list) or not 1 <= len(value) <= TIERS_MAX:
        raise BadSheet(f"{where} is not a list of 1 to {TIERS_MAX} pairs of a quantity and a price, or null")
    tiers = []
    for number, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadSheet(f"{where}[{number}] is not a pair of a quantity and a price")
        tiers.append(Tier(_number(pair[0], f"{where}[{number}][0]"), _number(pair[1], f"{where}[{number}][1]")))
    if tiers[0].begins != 0:
        raise BadSheet(f"{where} does not begin with the quantity 0")
    for before, after in pairwise(tiers):
        if before.begins >= after.begins:
            raise BadSheet(f"{where} is not in the order of its quantities")
    return tuple(tiers)


def _number(value: Any, where: str) -> Decimal:
    if not isinstance(value, Decimal) or not 0 <= value <= NUMBER_MAX:
        raise BadSheet(f"{where} is not a number from 0 to {NUMBER_MAX:.0e}")
    if -int(value.as_tuple().exponent) > NUMBER_PLACES_MAX:
        raise BadSheet(f"{where} has more than {NUMBER_PLACES_MAX} places after the point")
    return value


def _text(value: Any, where: str, pattern: str) -> str:
    if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
        raise BadSheet(f"{where} is not a text of the form {pattern}")
    return value


def _date(value: Any) -> str:
    return _text(value, "date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadSheet(f"{where} is neither true nor false")
    return value


def _sources(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(source, str) for source in value):
        raise BadSheet("sources is not a list of texts")
    return tuple(value)


def _object(value: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSheet(f"{where} is not an object")
    for name in value:
        if name not in known:
            raise BadSheet(f"{where} has a member {name!r}, which is none of {', '.join(sorted(known))}")
    return value


def _map(value: Any, where: str, most: int) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > most:
        raise BadSheet(f"{where} is not an object of at most {most} members")
    for name in value:
        if _NAME.fullmatch(name) is None:
            raise BadSheet(f"{where} has a member {name[:100]!r}, which is no name")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two prices for the same, nobody would know which one was meant."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice[:100]!r} is there twice")
    return members


def _integer(text: str) -> Decimal:
    return Decimal(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
