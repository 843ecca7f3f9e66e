"""How much work decisions are: known before one is made, since policies tell it when they are compiled.

Counted in units of some 100 ns, as `model.budget` has them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from statordb.access.facts import Values

RULE = 20  # a statement, of which little more than its actions is looked at mostly
CHECK = 40  # a condition, whatever it compares
NAME = 2  # a principal
PATTERN = 5  # a text with wildcards, or a value that is compared by itself
PART = 1  # of such a text, between two wildcards
VARYING = 35  # a variable is filled in, and the pattern made, for each decision
STEPPED_VARYING = 300  # the same with `?`
STEP_BITS = 256  # characters of a pattern with `?`: so many are held against one of the text in one step


class Work(NamedTuple):
    """Of a statement, or of all that have a say.

    deciding    whatever it is about.
    characters  for each character of the resource.
    asking      for each request, of what is asked of its facts.
    testing     for each value of a fact.
    stepping    for each character of such a value.
    """

    deciding: int = 0
    characters: int = 0
    asking: int = 0
    testing: int = 0
    stepping: int = 0

    def decision(self, resource: str) -> int:
        """Units that a decision takes, but for the values of facts."""
        return self.deciding + self.asking + self.characters * len(resource)

    def tests(self, values: Values) -> int:
        """Units that the values of one key take."""
        return self.testing * len(values) + self.stepping * sum(map(len, values))


NO_WORK = Work()


def total(parts: Iterable[Work]) -> Work:
    return Work(*map(sum, zip(NO_WORK, *parts, strict=True)))


def most(parts: Iterable[Work]) -> Work:
    """What each is at the most."""
    return Work(*map(max, zip(NO_WORK, *parts, strict=True)))
