"""A bill as programs and as people read it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from statordb.metering.bill import CENT, Bill, Line, cents
from statordb.metering.comparison import PROVISIONED, Comparison
from statordb.metering.usage import ON_DEMAND

_NAMES = {ON_DEMAND: "on demand", PROVISIONED: "provisioned"}


@dataclass(frozen=True, slots=True)
class Report:
    """prices     the date of the price sheet
    projected  what the month comes to if it goes on; None where it is over
    comparison  None where it was not asked for
    """

    bill: Bill
    prices: str
    projected: Decimal | None
    comparison: Sequence[Comparison] | None = None


def document(report: Report) -> dict[str, Any]:
    """The members of its JSON form. Amounts have 10 decimals, and the total is the sum of the lines; a price that is
    not known, and its amount, are null."""
    bill = report.bill
    members: dict[str, Any] = {
        "month": str(bill.month),
        "currency": bill.currency,
        "lines": [_line(line) for line in bill.lines],
        "total_usd": _number(bill.total),
        "projected_total_usd": _number(report.projected),
        "unknown_prices": bill.unknown,
        "prices_of": report.prices,
    }
    if report.comparison is not None:
        members["comparison"] = [_compared(each) for each in report.comparison]
    return members


def text(report: Report, by_table: bool) -> str:
    """For people: a line for each usage type, or with `by_table` for each of a table; amounts in cents, but for those
    that are less."""
    bill = report.bill
    parts = [f"Bill of {bill.month}, by the prices of {report.prices}, in {bill.currency}", ""]
    if bill.lines:
        parts += _tables_of(bill) if by_table else _types_of(bill)
    else:
        parts.append("Nothing was used.")
    parts += ["", f"Total: {_money(bill.total)}"]
    if report.projected is not None:
        parts.append(f"At this rate the month comes to: {_money(report.projected)}")
    if bill.unknown:
        parts += ["", "The price sheet has no prices of these, which are not in the total:"]
        parts += [f"  {name}" for name in bill.unknown]
    if report.comparison is not None:
        parts += ["", *_comparisons(report.comparison)]
    return "\n".join(parts) + "\n"


def _line(line: Line) -> dict[str, Any]:
    return {
        "account": line.account,
        "region": line.region,
        "table": line.table,
        "usage_type": line.usage_type,
        "quantity": _number(line.quantity),
        "unit": line.unit,
        "price_usd": _number(line.price),
        "amount_usd": _number(line.amount),
    }


def _compared(comparison: Comparison) -> dict[str, Any]:
    demand = comparison.demand
    return {
        "account": demand.account,
        "region": demand.region,
        "table": demand.table,
        "billing_mode": demand.mode,
        "on_demand_usd": _number(comparison.on_demand),
        "provisioned_usd": _number(comparison.provisioned),
        "cheaper": comparison.cheaper,
        "saved_usd": _number(comparison.saved),
        "throttled_read_units": comparison.throttled_reads,
        "throttled_write_units": comparison.throttled_writes,
    }


def _number(value: Decimal | None) -> int | float | None:
    """As JSON has it: exact in all that a double holds, which is 15 digits."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _types_of(bill: Bill) -> list[str]:
    """A line for each account, region, usage type and price."""
    summed: dict[tuple[str, str, str, Decimal | None], tuple[str, Decimal, Decimal | None]] = {}
    for line in bill.lines:
        key = (line.account, line.region, line.usage_type, line.price)
        _, quantity, amount = summed.get(key, ("", Decimal(0), None if line.amount is None else Decimal(0)))
        summed[key] = (
            line.unit,
            quantity + line.quantity,
            None if line.amount is None or amount is None else amount + line.amount,
        )
    rows = [
        (account, region, usage_type, _plain(quantity), unit, _priced(price), _priced(amount, _money))
        for (account, region, usage_type, price), (unit, quantity, amount) in sorted(summed.items(), key=_order)
    ]
    return _aligned(("account", "region", "usage type", "quantity", "unit", "price", "amount"), rows, (3, 5, 6))


def _tables_of(bill: Bill) -> list[str]:
    """The lines of each table, and what it comes to."""
    rows: list[tuple[str, ...]] = []
    for of in sorted({(line.account, line.region, line.table) for line in bill.lines}):
        own = bill.of(*of)
        rows += [
            (*of, line.usage_type, _plain(line.quantity), line.unit, _priced(line.price), _priced(line.amount, _money))
            for line in own.lines
        ]
        rows.append((*of, "all", "", "", "", _money(own.total)))
    heads = ("account", "region", "table", "usage type", "quantity", "unit", "price", "amount")
    return _aligned(heads, rows, (4, 6, 7))


def _comparisons(comparisons: Sequence[Comparison]) -> list[str]:
    if not comparisons:
        return ["There are no requests to compare prices for."]
    rows = [
        (
            each.demand.account,
            each.demand.region,
            each.demand.table,
            _priced(each.on_demand, _money),
            _priced(each.provisioned, _money),
            "unknown" if each.cheaper is None else f"{_NAMES[each.cheaper]} by {_money(each.saved or Decimal(0))}",
            f"{each.throttled_reads:.1f}",
            f"{each.throttled_writes:.1f}",
        )
        for each in comparisons
    ]
    heads = ("account", "region", "table", "on demand", "provisioned", "cheaper", "throttled reads", "writes")
    return [
        "The same requests in both modes, provisioned with auto scaling at 70 %, without free quantities:",
        "",
        *_aligned(heads, rows, (3, 4, 6, 7)),
    ]


def _order(item: tuple[tuple[str, str, str, Decimal | None], object]) -> tuple[str, str, str, Decimal]:
    account, region, usage_type, price = item[0]
    return account, region, usage_type, price or Decimal(0)


def _priced(value: Decimal | None, shown: Any = None) -> str:
    return "unknown" if value is None else (shown or _plain)(value)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _money(amount: Decimal) -> str:
    """Cents, half of one rounded up; what is less than one as it is."""
    return _plain(amount) if 0 < amount < CENT else f"{cents(amount):f}"


def _aligned(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: tuple[int, ...]) -> list[str]:
    """A table whose columns of `numbers` are aligned at the right."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
