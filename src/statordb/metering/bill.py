"""The bill of a month: what was used, times what it costs.

AWS prices what an account uses in a region as a whole, by tiers; the first one, which is free, is the account's too. A
table's part of each tier is its part of the quantity, so a bill does not depend on what tables are called. Amounts have
10 decimals, as AWS's reports do; cents are made of sums only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise

from statordb.metering.month import HOUR, Month
from statordb.metering.prices import PriceSheet, Tier, Tiers
from statordb.metering.usage import Usage

PLACES = Decimal("1e-10")
CENT = Decimal("0.01")
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """`usage_type` is AWS's name on bills; `price` and `amount` are None where the sheet does not know the price."""

    account: str
    region: str
    table: str
    usage_type: str
    quantity: Decimal
    unit: str
    price: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Bill:
    month: Month
    currency: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """Of all lines whose price is known, with 10 decimals."""
        return sum((line.amount for line in self.lines if line.amount is not None), _FREE)

    @property
    def unknown(self) -> list[str]:
        """The usage types whose price is not known."""
        return sorted({line.usage_type for line in self.lines if line.amount is None})

    def of(self, account: str | None = None, region: str | None = None, table: str | None = None) -> "Bill":
        """What of it is of these: with the tiers and the free quantities of the whole."""
        wanted = (account, region, table)
        kept = [
            line
            for line in self.lines
            if all(want is None or want == has for want, has in zip(wanted, _whose(line), strict=True))
        ]
        return Bill(self.month, self.currency, tuple(kept))


def make(month: Month, usages: Iterable[Usage], sheet: PriceSheet) -> Bill:
    """The bill of what was used in a month. Usages of the same table and usage type are one."""
    with localcontext(_EXACT):
        lines: list[Line] = []
        for (account, usage_type), whole in _gathered(usages).items():
            allowance = sheet.usage_type(usage_type).free_over_regions
            free, charged = _split(whole, allowance)
            for region in {region for region, _ in whole}:
                divided: Divided = [(_FREE, _of_region(free, region)), *_priced(sheet, region, usage_type, charged)]
                lines += _lines(sheet, (account, region, usage_type), divided)
    return Bill(month, sheet.currency, tuple(sorted(lines, key=_order)))


def projected(month: Month, usages: Iterable[Usage], sheet: PriceSheet, began: float, now: float) -> Bill:
    """What the month comes to if it goes on as from `began`, when the first of it was used, until now."""
    seen = max(now - max(began, month.begins), HOUR)
    left = min(max(month.ends - now, 0), month.ends - month.begins)
    with localcontext(_EXACT):
        factor = 1 + Decimal(left) / Decimal(seen)
        grown = [
            Usage(used.account, used.region, used.table, used.usage_type, used.quantity * factor) for used in usages
        ]
    return make(month, grown, sheet)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


Place = tuple[str, str]
"""A region and a table of it."""
Parts = dict[Place, Decimal]
Divided = list[tuple[Decimal | None, Parts]]
"""What of a quantity has each price."""


def _gathered(usages: Iterable[Usage]) -> dict[tuple[str, str], Parts]:
    """By account and usage type."""
    gathered: dict[tuple[str, str], Parts] = {}
    for used in usages:
        parts = gathered.setdefault((used.account, used.usage_type), {})
        place = (used.region, used.table)
        parts[place] = parts.get(place, _FREE) + used.quantity
    return {
        key: {place: quantity.quantize(PLACES) for place, quantity in sorted(parts.items())}
        for key, parts in gathered.items()
    }


def _split(whole: Parts, allowance: Decimal) -> tuple[Parts, Parts]:
    """What is free because of what an account has free over all regions, and what is not."""
    if not allowance:
        return {}, whole
    divided = _divided(whole, (Tier(_FREE, _FREE), Tier(allowance, PLACES)))
    return divided[0][1] if divided else {}, divided[1][1] if len(divided) > 1 else {}


def _priced(sheet: PriceSheet, region: str, usage_type: str, charged: Parts) -> Divided:
    parts = _of_region(charged, region)
    tiers = sheet.tiers(region, usage_type)
    return [(None, parts)] if tiers is None else _divided(parts, tiers)


def _of_region(parts: Parts, region: str) -> Parts:
    return {place: part for place, part in parts.items() if place[0] == region}


def _divided(parts: Parts, tiers: Tiers) -> Divided:
    """What of each part is in each tier of the whole, in the tiers' order. What is lost by rounding is the last's."""
    total = sum(parts.values(), _FREE)
    reached = [tier for tier in tiers if tier.begins < total]
    left = dict(parts)
    divided: Divided = []
    for tier, following in pairwise(reached):
        size = following.begins - tier.begins
        taken = {place: (part * size / total).quantize(PLACES, ROUND_DOWN) for place, part in parts.items()}
        left = {place: part - taken[place] for place, part in left.items()}
        divided.append((tier.price, taken))
    return [*divided, (reached[-1].price, left)] if reached else []


def _lines(sheet: PriceSheet, of: tuple[str, str, str], divided: Divided) -> Iterable[Line]:
    account, region, usage_type = of
    name, unit = sheet.billed_as(region, usage_type), sheet.usage_type(usage_type).unit
    for price, parts in divided:
        for (_, table), quantity in parts.items():
            if quantity:
                amount = None if price is None else (quantity * price).quantize(PLACES)
                yield Line(account, region, table, name, quantity, unit, price, amount)


def _whose(line: Line) -> tuple[str, str, str]:
    return line.account, line.region, line.table


def _order(line: Line) -> tuple[str, str, str, str, Decimal]:
    return (*_whose(line), line.usage_type, line.price or _FREE)
