"""Patterns whose wildcards stand for any characters, or none, tried in linear time for any text."""

from collections.abc import Callable, Sequence


def by_finding(parts: Sequence[str]) -> Callable[[str], bool]:
    """`parts`: the texts between wildcards, two at least. Each is looked for behind the one before."""
    first, *middle, last = parts
    middle = [part for part in middle if part]
    if not middle and not last:
        return (lambda text: text.startswith(first)) if first else (lambda text: True)

    def test(text: str) -> bool:
        if not text.startswith(first):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return at <= end and text.endswith(last)

    return test
