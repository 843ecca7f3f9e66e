"""What AWS's messages show of Java: names of types, orders of hash tables, and patterns in Java's spelling."""

import re
from collections.abc import Iterable

TYPES = {
    "string": "java.lang.String",
    "boolean": "java.lang.Boolean",
    "integer": "java.lang.Integer",
    "long": "java.lang.Long",
    "float": "java.lang.Float",
    "double": "java.lang.Double",
    "timestamp": "java.util.Date",
    "blob": "java.nio.ByteBuffer",
}
# Classes of characters, the first outside brackets, letters, separators and numbers inside; and characters beyond 16
# bits, in two halves.
_SPELLINGS = {
    r"\p{Print}": r"[\x20-\x7e]",
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\w",
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
}


def lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def hash_of(text: str) -> int:
    """`String.hashCode()`, unsigned."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value


def enum_order(values: list[str]) -> list[str]:
    """The order in which AWS prints an enum's values: by hash in a table of 32 chains, each chain newest first.

    Found from the recorded texts of all enums in dynalite's `validations/`, which it explains without exception.
    """
    positions = {value: position for position, value in enumerate(values)}
    return sorted(values, key=lambda value: (hash_of(value) & 31, -positions[value]))


def map_order(names: Iterable[str], size: int) -> list[str]:
    """The order of names in a HashMap that has `size` members."""
    chains = 16
    while size > chains * 3 // 4:
        chains *= 2

    def chain(name: str) -> int:
        value = hash_of(lower_first(name))
        return (value ^ (value >> 16)) & (chains - 1)

    return sorted(names, key=chain)


def pattern(text: str) -> re.Pattern[str]:
    """A pattern of a service model, as Python has it."""
    flags = re.RegexFlag(0) if r"\p{" in text else re.ASCII
    for theirs, ours in _SPELLINGS.items():
        text = text.replace(theirs, ours)
    return re.compile(text, flags)
