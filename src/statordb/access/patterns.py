"""Texts with wildcards and variables: `*` stands for any characters or none, `?` for one, `${key}` for a value.

Rules: IAM user guide, "IAM policy elements: Variables and tags". A wildcard within a variable's value is none.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from statordb.access import work
from statordb.access.facts import Facts, single
from statordb.model.wildcards import by_finding

Test = Callable[[str], bool]

_REFERENCE = re.compile(r"\$\{([^{}]{1,1000})\}")
_NAMED = re.compile(r"\s*([^\s,']+)\s*(?:,\s*'([^']*)'\s*)?")
_THEMSELVES = ("*", "?", "$")  # as ${*} and so on


class Wild(Enum):
    MANY = "*"
    ONE = "?"


class Variable(NamedTuple):
    """`key` is in lower case; `default` None if there is none."""

    key: str
    default: str | None


Part = str | Wild | Variable
Filled = tuple[str | Wild, ...]
"""A template whose variables have their values. Two texts may stand side by side."""


class Template(NamedTuple):
    """A text as a policy has it. `keys`: those of its variables."""

    parts: tuple[Part, ...]
    keys: frozenset[str]

    @property
    def fixed(self) -> Filled:
        """Of one without variables."""
        return self.parts  # type: ignore[return-value]

    @property
    def units(self) -> int:
        """What it takes to fill it in and to hold it against a text; see `access.work`."""
        if not self.keys:
            return (
                work.PATTERN + work.PART * len(self.parts) if any(isinstance(part, Wild) for part in self.parts) else 0
            )
        varying = work.STEPPED_VARYING if Wild.ONE in self.parts else work.VARYING
        return varying + work.PART * len(self.parts)

    @property
    def steps(self) -> int:
        """The same for each character of the text: `?` has it gone through character by character."""
        if Wild.ONE not in self.parts:
            return 0
        return 1 + sum(len(part) if isinstance(part, str) else 1 for part in self.parts) // work.STEP_BITS

    def fill(self, facts: Facts) -> Filled | None:
        """None if a variable has neither a value, or several, nor a default."""
        if not self.keys:
            return self.fixed
        filled: list[str | Wild] = []
        for part in self.parts:
            if isinstance(part, Variable):
                value = single(facts, part.key)
                value = part.default if value is None else value
                if value is None:
                    return None
                filled.append(value)
            else:
                filled.append(part)
        return tuple(filled)


def template(text: str, variables: bool, wildcards: bool = True) -> Template:
    """`variables`: whether the policy's version has them."""
    parts: list[Part] = []
    keys: set[str] = set()
    at = 0
    for found in _REFERENCE.finditer(text) if variables else ():
        named = None if found[1] in _THEMSELVES else _NAMED.fullmatch(found[1])
        if named is None and found[1] not in _THEMSELVES:
            continue
        _add(parts, text[at : found.start()], wildcards)
        at = found.end()
        if named is None:
            parts.append(found[1])
        else:
            variable = Variable(named[1].lower(), named[2])
            parts.append(variable)
            keys.add(variable.key)
    _add(parts, text[at:], wildcards)
    return Template(tuple(parts), frozenset(keys))


def _add(parts: list[Part], text: str, wildcards: bool) -> None:
    if not wildcards:
        if text:
            parts.append(text)
        return
    for each in re.split(r"([*?])", text):
        if each in ("*", "?"):
            parts.append(Wild(each))
        elif each:
            parts.append(each)


def literal(filled: Filled) -> str | None:
    """The text that it is; None where there are wildcards."""
    return None if any(part.__class__ is Wild for part in filled) else "".join(filled)  # type: ignore[arg-type]


def matcher(filled: Filled) -> Test:
    """Whether a text matches as a whole. Takes time that grows with the text, whatever the pattern."""
    text = literal(filled)
    if text is not None:
        return text.__eq__
    if Wild.ONE in filled:
        return _by_states(filled)
    parts = [""]
    for part in filled:
        if isinstance(part, str):
            parts[-1] += part
        else:
            parts.append("")
    return by_finding(parts)


def any_matcher(patterns: Sequence[Filled]) -> Test:
    """Whether a text matches one of many patterns: those that are plain texts are looked up at once."""
    plain = [literal(each) for each in patterns]
    exact = frozenset(text for text in plain if text is not None)
    others = [matcher(each) for each, text in zip(patterns, plain, strict=True) if text is None]
    if not others:
        return exact.__contains__
    loosely = any_of(others)
    return (lambda text: text in exact or loosely(text)) if exact else loosely


def any_of(tests: Sequence[Test]) -> Test:
    """One of them passes."""
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _by_states(filled: Filled) -> Test:
    """A set of states, one bit for each character of the pattern that may have been matched last, goes through the
    text once: `?` can stand anywhere without a search beginning again."""
    count = anything = stays = 0
    only: dict[str, int] = {}
    for part in filled:
        if part is Wild.MANY:
            stays |= 1 << count
        elif part is Wild.ONE:
            anything |= 1 << count
            count += 1
        else:
            for character in part:
                only[character] = only.get(character, 0) | 1 << count
                count += 1
    accepts = {character: bits | anything for character, bits in only.items()}
    end = 1 << count

    def test(text: str) -> bool:
        states = 1
        for character in text:
            states = (states & accepts.get(character, anything)) << 1 | states & stays
            if not states:
                return False
        return bool(states & end)

    return test


def within(filled: Filled, separator: str, count: int) -> list[Filled]:
    """The parts of a pattern between its first separators, so many at most; the rest is the last one."""
    pieces: list[list[str | Wild]] = [[]]
    for part in filled:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        first, *rest = part.split(separator, count - len(pieces))
        pieces[-1].append(first)
        pieces += [[text] for text in rest]
    return [tuple(piece) for piece in pieces]
