"""Conditions of statements, compiled: an operator, a key and values to a test of facts.

Rules: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys".
What AWS leaves undefined never allows more: a key with several values under an operator for one passes an Allow with
all of them, and a Deny with any; a variable without a value lets a negated operator pass in a Deny only.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from statordb.access import formats, work
from statordb.access.facts import Facts, Known, Values
from statordb.access.formats import FOR_ALL, FOR_ANY
from statordb.access.patterns import Filled, Template, Test, any_of, literal, matcher, template, within
from statordb.access.work import Work

Check = Callable[[Facts], bool]
T = TypeVar("T")
_ARN_PARTS = 6


class Operator(NamedTuple):
    """`make` gives the test of one value against some; `wildcards`: whether those of the policy may have some."""

    make: Callable[[list[Filled]], Test]
    negated: bool
    wildcards: bool = False


class Condition(NamedTuple):
    """One key of one operator. `lenient`: of IfExists; `allows`: the effect of its statement; `fixed`: the test of one
    value, where that depends on no variable."""

    operator: Operator
    prefix: str
    lenient: bool
    key: str
    values: tuple[Template, ...]
    allows: bool
    fixed: Test | None

    @property
    def work(self) -> Work:
        """What has variables is filled in, and read, for each request; texts that are to be equal are looked up at
        once."""
        filling = 0 if self.fixed is not None else sum(max(work.VARYING, value.units) for value in self.values)
        if self.operator.make in (_equal, _equal_ignoring_case):
            return Work(asking=work.CHECK + filling, testing=1)
        times = _ARN_PARTS if self.operator.make is _arn else 1
        testing = sum(times * max(work.PATTERN, value.units) for value in self.values if not value.keys)
        testing += times * work.PATTERN * sum(bool(value.keys) for value in self.values)
        return Work(asking=work.CHECK + times * filling, testing=testing, stepping=sum(v.steps for v in self.values))

    def bind(self, known: Known) -> bool | Check:
        """What it comes to; a test of what else becomes known if that depends on it."""
        if any(known.later(key) for value in self.values for key in value.keys):
            return lambda facts: self._passes(facts.get(self.key), self._test(facts))
        test = self._test(known.facts)
        if not known.later(self.key):
            return self._passes(known.facts.get(self.key), test)
        if test is None:
            return lambda facts: self._passes(facts.get(self.key), None)
        return self._check(test)

    def _check(self, test: Test) -> Check:
        """As `_passes`, for what is asked per request: LeadingKeys are mostly one value."""
        key, negated, passes = self.key, self.operator.negated, self._passes

        def check(facts: Facts) -> bool:
            values = facts.get(key)
            if values is not None and len(values) == 1:
                return test(values[0]) is not negated
            return passes(values, test)

        return check

    def _test(self, facts: Facts) -> Test | None:
        """The test of one value; None where it depends on a variable without one."""
        if self.fixed is not None:
            return self.fixed
        filled = [value.fill(facts) for value in self.values]
        some = [value for value in filled if value is not None]
        if len(some) < len(filled) and self.operator.negated:
            return None
        return self.operator.make(some)

    def _passes(self, values: Values | None, test: Test | None) -> bool:
        if test is None:
            return not self.allows
        negated = self.operator.negated
        if not values:
            if self.prefix == FOR_ALL:
                return True
            return self.lenient or (negated and not self.prefix)
        results = (test(value) is not negated for value in values)
        if self.prefix == FOR_ANY or (not self.prefix and not self.allows):
            return any(results)
        return all(results)


class Presence(NamedTuple):
    """The operator Null. `absent`: which answers to "is it absent?" pass."""

    key: str
    absent: frozenset[bool]
    work: Work = Work(asking=work.CHECK)

    def bind(self, known: Known) -> bool | Check:
        if known.later(self.key):
            return self.passes
        return self.passes(known.facts)

    def passes(self, facts: Facts) -> bool:
        return (not facts.get(self.key)) in self.absent


def compile_condition(
    operator: str, key: str, values: Iterable[str], *, allows: bool, variables: bool
) -> Condition | Presence:
    """`variables`: whether the policy's version has them."""
    prefix, name, lenient = formats.bare(operator)
    key = key.lower()
    if name == "Null":
        words = {value.lower() for value in values}
        return Presence(key, frozenset(word == "true" for word in words & {"true", "false"}))
    known = _OPERATORS[name]
    templates = tuple(template(value, variables, known.wildcards) for value in values)
    fixed = None if any(each.keys for each in templates) else known.make([each.fixed for each in templates])
    return Condition(known, prefix, lenient, key, templates, allows, fixed)


def _equal(values: list[Filled]) -> Test:
    texts = frozenset(_text(value) for value in values)
    return texts.__contains__


def _equal_ignoring_case(values: list[Filled]) -> Test:
    texts = frozenset(_text(value).lower() for value in values)
    return lambda value: value.lower() in texts


def _like(values: list[Filled]) -> Test:
    return any_of([matcher(value) for value in values])


def _text(filled: Filled) -> str:
    text = literal(filled)
    assert text is not None, "only patterns have wildcards"
    return text


def _read(read: Callable[[str], T], text: str) -> T | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _compared(read: Callable[[str], T], holds: Callable[[T, T], bool]) -> Callable[[list[Filled]], Test]:
    """Values that are read first; what can't be read is like nothing."""

    def make(values: list[Filled]) -> Test:
        bounds = [bound for bound in (_read(read, _text(value)) for value in values) if bound is not None]

        def test(value: str) -> bool:
            found = _read(read, value)
            return found is not None and any(holds(found, bound) for bound in bounds)

        return test

    return make


def _addresses(values: list[Filled]) -> Test:
    networks = [found for found in (_read(formats.network, _text(value)) for value in values) if found is not None]

    def test(value: str) -> bool:
        address = _read(formats.address, value)
        return address is not None and any(address in network for network in networks)

    return test


def _arn(values: list[Filled]) -> Test:
    """Each of the parts of an ARN by itself: a wildcard does not reach over a colon but in the last one."""
    return any_of([_arn_matcher(value) for value in values])


def _arn_matcher(filled: Filled) -> Test:
    pieces = within(filled, ":", _ARN_PARTS)
    if len(pieces) < _ARN_PARTS:
        return (lambda value: value.startswith("arn:")) if matcher(filled)("arn:") else lambda value: False
    tests = [matcher(piece) for piece in pieces]

    def test(value: str) -> bool:
        parts = value.split(":", _ARN_PARTS - 1)
        return len(parts) == _ARN_PARTS and all(each(part) for each, part in zip(tests, parts, strict=True))

    return test


def _orders(name: str, read: Callable[[str], float]) -> dict[str, Operator]:
    return {
        f"{name}Equals": Operator(_compared(read, lambda value, bound: value == bound), False),
        f"{name}NotEquals": Operator(_compared(read, lambda value, bound: value == bound), True),
        f"{name}LessThan": Operator(_compared(read, lambda value, bound: value < bound), False),
        f"{name}LessThanEquals": Operator(_compared(read, lambda value, bound: value <= bound), False),
        f"{name}GreaterThan": Operator(_compared(read, lambda value, bound: value > bound), False),
        f"{name}GreaterThanEquals": Operator(_compared(read, lambda value, bound: value >= bound), False),
    }


_OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(_equal, False),
    "StringNotEquals": Operator(_equal, True),
    "StringEqualsIgnoreCase": Operator(_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": Operator(_equal_ignoring_case, True),
    "StringLike": Operator(_like, False, wildcards=True),
    "StringNotLike": Operator(_like, True, wildcards=True),
    **_orders("Numeric", formats.number),
    **_orders("Date", formats.instant),
    "Bool": Operator(_equal_ignoring_case, False),
    "BinaryEquals": Operator(_compared(formats.binary, lambda value, bound: value == bound), False),
    "IpAddress": Operator(_addresses, False),
    "NotIpAddress": Operator(_addresses, True),
    "ArnEquals": Operator(_arn, False, wildcards=True),
    "ArnLike": Operator(_arn, False, wildcards=True),
    "ArnNotEquals": Operator(_arn, True, wildcards=True),
    "ArnNotLike": Operator(_arn, True, wildcards=True),
}
