"""The table of a statement, for those who have no use for the rest of it."""

from statordb.expressions.partiql import tokens
from statordb.model.errors import ClientError

CHARACTERS_MAX = 512  # of a statement that are looked at

_BEFORE_TABLES = {"SELECT": "FROM", "DELETE": "FROM", "EXISTS": "FROM", "INSERT": "INTO"}
_NAMES = (tokens.NAME, tokens.QUOTED)


def table_of(text: str) -> str | None:
    """The table, or ARN, that a statement names; None where it names none near its beginning, or is none."""
    each = tokens.each(text[:CHARACTERS_MAX])
    try:
        first = next(each, None)
        if first is None:
            return None
        before = _BEFORE_TABLES.get(first.kind)
        if before is not None:
            while (token := next(each, None)) is not None and token.kind != before:
                pass
        elif first.kind != "UPDATE" and first.kind != "FROM":
            return None
        name = next(each, None)
    except ClientError:
        return None
    if name is None or name.kind not in _NAMES or CHARACTERS_MAX <= name.end < len(text):
        return None
    return name.text
