"""What a bill is asked for, by options or by the query of an address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from statordb.metering.month import Month

NAMES = ("month", "account", "region", "table", "compare")
_FORMS = {
    "account": (re.compile(r"[0-9]{12}"), "an account of 12 digits"),
    "region": (re.compile(r"[A-Za-z0-9-]{1,64}"), "a region"),
    "table": (re.compile(r"[A-Za-z0-9_.-]{3,255}"), "the name of a table"),
}


class BadQuery(Exception):
    """It asks for what there is not. Its argument is a sentence."""


@dataclass(frozen=True, slots=True)
class Query:
    """The month, and whose usage is shown; None: everybody's. `compare`: whether other modes are to be priced too."""

    month: Month
    account: str | None = None
    region: str | None = None
    table: str | None = None
    compare: bool = False


def parse(given: Mapping[str, str], now: float) -> Query:
    """The query of texts by name; what is absent is any. `now`: seconds since the epoch. Raises BadQuery."""
    for name in given:
        if name not in NAMES:
            raise BadQuery(f"There is no {name[:100]!r} to ask for: {', '.join(NAMES)}.")
    this = Month.of(now)
    try:
        month = Month.parse(given["month"]) if "month" in given else this
    except ValueError as fault:
        raise BadQuery(f"{fault}.") from None
    if month > this:
        raise BadQuery(f"The month {month} has not begun.")
    for name, (form, meant) in _FORMS.items():
        if name in given and form.fullmatch(given[name]) is None:
            raise BadQuery(f"The value {given[name][:300]!r} of {name} is not {meant}.")
    if given.get("compare", "1") != "1":
        raise BadQuery("The value of compare is not 1.")
    return Query(month, given.get("account"), given.get("region"), given.get("table"), "compare" in given)
