"""Statement text to tokens. Space and comments are left out.

Source of the forms: developer guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB"; of numbers and
comments also what AWS was seen to take (docs/compatibility.md).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from statordb.model.errors import ClientError, ill_formed_statement

NAME = "name"  # a word that is none of the grammar's
QUOTED = "quoted"  # an identifier in double quotes
STRING = "string"
NUMBER = "number"
END = "end"
# A word of the grammar has its upper-case text as its kind, an operator or a bracket its text.

KEYWORDS = frozenset(
    (
        "SELECT", "FROM", "WHERE", "ORDER", "BY", "ASC", "DESC", "INSERT", "INTO", "VALUE", "VALUES", "UPDATE", "SET",
        "REMOVE", "DELETE", "RETURNING", "EXISTS", "AND", "OR", "NOT", "BETWEEN", "IN", "IS", "MISSING", "NULL", "TRUE",
        "FALSE", "AS", "LIKE", "CASE", "CAST", "JOIN", "GROUP", "HAVING", "LIMIT", "UNION", "DISTINCT",
    )
)  # fmt: skip

# Words of PartiQL that no name can be without quotes; those of them that the grammar here has are read as names first.
RESERVED = frozenset(
    (
        "ABSOLUTE", "ACTION", "ADD", "ALL", "ALLOCATE", "ALTER", "ANY", "ARE", "ASSERTION", "AT", "AUTHORIZATION",
        "AVG", "BEGIN", "BIT", "BIT_LENGTH", "CASCADE", "CASCADED", "CATALOG", "CHAR", "CHARACTER", "CHAR_LENGTH",
        "CHARACTER_LENGTH", "CHECK", "CLOSE", "COALESCE", "COLLATE", "COLLATION", "COLUMN", "COMMIT", "CONFLICT",
        "CONNECT", "CONNECTION", "CONSTRAINT", "CONSTRAINTS", "CONTINUE", "CONVERT", "CORRESPONDING", "COUNT",
        "CREATE", "CROSS", "CURRENT", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURSOR",
        "DATE", "DATE_ADD", "DEALLOCATE", "DEC", "DECIMAL", "DECLARE", "DEFAULT", "DEFERRABLE", "DEFERRED",
        "DESCRIBE", "DESCRIPTOR", "DIAGNOSTICS", "DISCONNECT", "DO", "DOMAIN", "DOUBLE", "DROP", "ELSE", "END",
        "ESCAPE", "EXCEPT", "EXCEPTION", "EXEC", "EXECUTE", "EXTERNAL", "EXTRACT", "FETCH", "FIRST", "FLOAT", "FOR",
        "FOREIGN", "FOUND", "FULL", "GET", "GLOBAL", "GO", "GOTO", "GRANT", "IDENTITY", "IMMEDIATE", "INDEX",
        "INDICATOR", "INITIALLY", "INNER", "INPUT", "INSENSITIVE", "INT", "INTEGER", "INTERSECT", "INTERVAL",
        "ISOLATION", "KEY", "LANGUAGE", "LAST", "LEFT", "LET", "LEVEL", "LOCAL", "LOWER", "MATCH", "MAX", "MIN",
        "MODIFIED", "MODULE", "NAMES", "NATIONAL", "NATURAL", "NCHAR", "NEW", "NEXT", "NO", "NOTHING", "NULLIF",
        "NUMERIC", "OCTET_LENGTH", "OF", "OLD", "ON", "ONLY", "OPEN", "OPTION", "OUTER", "OUTPUT", "OVERLAPS", "PAD",
        "PARTIAL", "PIVOT", "POSITION", "PRECISION", "PREPARE", "PRESERVE", "PRIMARY", "PRIOR", "PRIVILEGES",
        "PROCEDURE", "PUBLIC", "READ", "REAL", "REFERENCES", "RELATIVE", "RESTRICT", "REVOKE", "RIGHT", "ROLLBACK",
        "ROWS", "SCHEMA", "SCROLL", "SECTION", "SESSION", "SESSION_USER", "SIZE", "SMALLINT", "SOME", "SPACE", "SQL",
        "SQLCODE", "SQLERROR", "SQLSTATE", "SUBSTRING", "SUM", "SYMBOL", "SYSTEM_USER", "TABLE", "TEMPORARY", "THEN",
        "TIME", "TIMESTAMP", "TO", "TRANSACTION", "TRANSLATE", "TRANSLATION", "TRIM", "TUPLE", "UNIQUE", "UNKNOWN",
        "UNPIVOT", "UPPER", "USAGE", "USER", "USING", "VARCHAR", "VARYING", "VIEW", "WHEN", "WHENEVER", "WITH",
        "WORK", "WRITE", "ZONE", "BAG", "BLOB", "BOOL", "BOOLEAN", "CLOB", "LIST", "SEXP", "STRING", "STRUCT",
    )
)  # fmt: skip

_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r\n\f\v]++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)++)
      | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*+)
      | (?P<quoted>"(?:[^"]|"")*+")
      | (?P<string>'(?:[^']|'')*+')
      | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
      | (?P<symbol><<|>>|<=|>=|<>|!=|\|\||/(?!\*)|[=<>()\[\]{},.:;?*+%-])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """`text`: an identifier or a string without its quotes, all else as it is written."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All tokens of the text, the last of kind END. Raises ValidationException for what belongs to no kind."""
    return [*each(text), Token(END, "", len(text), len(text))]


def each(text: str) -> Iterator[Token]:
    """The tokens of the text, one by one and without an end. Raises as `tokens`."""
    position, length = 0, len(text)
    match_at = _TOKEN.match
    while position < length:
        match = match_at(text, position)
        if match is None:
            raise _unreadable()
        start, position = position, match.end()
        kind = match.lastgroup
        assert kind is not None
        if kind != "space":
            yield _token(kind, match[kind], start, position)


def _token(kind: str, content: str, start: int, end: int) -> Token:
    if kind == "name":
        upper = content.upper()
        return Token(upper if upper in KEYWORDS else NAME, content, start, end)
    if kind == "quoted":
        return Token(QUOTED, content[1:-1].replace('""', '"'), start, end)
    if kind == "string":
        return Token(STRING, content[1:-1].replace("''", "'"), start, end)
    return Token(NUMBER if kind == "number" else content, content, start, end)


def _unreadable() -> ClientError:
    return ill_formed_statement("")
