"""Statements, compiled: does one apply to an action, a resource and facts, and whom does it name."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from statordb.access import work
from statordb.access.conditions import Check, Condition, Presence, compile_condition
from statordb.access.facts import Facts, Known
from statordb.access.patterns import Template, Test, any_matcher, matcher, template
from statordb.access.statements import Statement
from statordb.access.work import Work, total

_ACCOUNT_DIGITS = 12
# Texts as long as most are.
_ACTION, _RESOURCE, _VALUE = "x" * 30, "x" * 100, "x" * 100


class Naming(IntEnum):
    """How a statement of a resource's policy names somebody."""

    NOT = 0
    ACCOUNT = 1  # the whole account, whose own policies say who in it
    BROADLY = 2  # the role behind a session, or everyone
    ITSELF = 3  # the user, the session


class Names(NamedTuple):
    """Names of somebody: the ARNs (or other ids) of itself, of the role behind it ("" for none), and the account."""

    itself: tuple[str, ...]
    role: str
    account: str

    @property
    def root(self) -> str:
        return f"arn:aws:iam::{self.account}:root"


class Resources(NamedTuple):
    """What a statement names: `fixed` is whether it names something by what has no variables, `varying` all else."""

    fixed: Test
    varying: tuple[Template, ...]

    def include(self, resource: str, facts: Facts) -> bool | None:
        """None: none is found, and some can't be known."""
        if self.fixed(resource):
            return True
        filled = [each.fill(facts) for each in self.varying]
        if any(matcher(each)(resource) for each in filled if each is not None):
            return True
        return None if None in filled else False


class Rule(NamedTuple):
    """A statement. `resources` are None where it names none (trust policies)."""

    allows: bool
    principals: tuple[str, ...] | None
    not_principals: bool
    covers: Test  # of actions in lower case
    not_actions: bool
    resources: Resources | None
    not_resources: bool
    conditions: tuple[Condition | Presence, ...]
    work: Work
    units: int

    def bind(self, action: str, resource: str, known: Known) -> bool | Check:
        """Whether it applies to an action (in lower case) on a resource; a test of facts if that depends on more than
        is known."""
        if self.covers(action) is self.not_actions:
            return False
        checks: list[Check] = []
        for found in (self._at(resource, known), *(condition.bind(known) for condition in self.conditions)):
            if found is False:
                return False
            if found is not True:
                checks.append(found)
        if not checks:
            return True
        return checks[0] if len(checks) == 1 else _all_of(checks)

    def _at(self, resource: str, known: Known) -> bool | Check:
        if self.resources is None:
            return True
        if any(known.later(key) for each in self.resources.varying for key in each.keys):
            return lambda facts: self._includes(resource, facts)
        return self._includes(resource, known.facts)

    def _includes(self, resource: str, facts: Facts) -> bool:
        assert self.resources is not None
        found = self.resources.include(resource, facts)
        if found is None and self.not_resources and self.allows:
            return False  # it is not known what is excepted
        return bool(found) is not self.not_resources

    def names(self, who: Names) -> Naming:
        """How it names somebody. Without principals it is about whoever has the policy."""
        if self.principals is None:
            return Naming.ITSELF
        found = self._named(who)
        if not self.not_principals:
            return max(found, default=Naming.NOT)
        if self.allows:
            return Naming.NOT if found else Naming.BROADLY
        # Who is to be spared has to be named with its role and its account.
        needed = {Naming.ACCOUNT} | ({Naming.BROADLY} if who.role else set()) | {Naming.ITSELF}
        spared = "*" in self.principals or needed <= found or (who.root in who.itself and bool(found))
        return Naming.NOT if spared else Naming.BROADLY

    def _named(self, who: Names) -> set[Naming]:
        found = set()
        for name in self.principals or ():
            if name in who.itself:
                found.add(Naming.ITSELF)
            elif name == "*" or (who.role and name == who.role):
                found.add(Naming.BROADLY)
            if name in (who.root, who.account):
                found.add(Naming.ACCOUNT)
        return found


def compile_rule(statement: Statement, *, variables: bool) -> Rule:
    """`variables`: whether the policy's version has them."""
    principals = statement.principals
    conditions = tuple(
        compile_condition(each.operator, each.key, each.values, allows=statement.allows, variables=variables)
        for each in statement.conditions
    )
    resources = [template(text, variables) for text in statement.resources]
    actions = [template(action.lower(), False) for action in statement.actions]
    done = _work(statement, actions, resources, conditions)
    return Rule(
        statement.allows,
        None if principals is None else _names(principals),
        statement.not_principals,
        any_matcher([each.fixed for each in actions]),
        statement.not_actions,
        _resources(resources) if resources else None,
        statement.not_resources,
        conditions,
        done,
        done.decision(_RESOURCE) + done.tests((_VALUE,)),
    )


def _names(principals: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Everyone is everyone of a kind: who lets in all services lets in nobody else."""
    return tuple(name for kind, names in principals.items() for name in names if kind == "AWS" or name != "*")


def _resources(templates: Sequence[Template]) -> Resources:
    fixed = [each.fixed for each in templates if not each.keys]
    return Resources(any_matcher(fixed), tuple(each for each in templates if each.keys))


def _work(
    statement: Statement,
    actions: Sequence[Template],
    resources: Sequence[Template],
    conditions: Iterable[Condition | Presence],
) -> Work:
    units = sum(each.units for each in actions) + len(_ACTION) * sum(each.steps for each in actions)
    units += work.NAME * sum(map(len, (statement.principals or {}).values()))
    fixed = [each for each in resources if not each.keys]
    varying = [each for each in resources if each.keys]
    return total([
        Work(work.RULE + units + sum(each.units for each in fixed), sum(each.steps for each in fixed)),
        Work(asking=sum(each.units + len(_RESOURCE) * each.steps for each in varying)),
        *(each.work for each in conditions),
    ])  # fmt: skip


def _all_of(checks: list[Check]) -> Check:
    return lambda facts: all(check(facts) for check in checks)
