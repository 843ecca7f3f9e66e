"""Expression text to tokens. Any text has tokens: what belongs to no other kind is a token of one bad character."""

import re
from typing import NamedTuple

from statordb.expressions.reserved import SYNTAX_WORDS

NAME = "name"  # an attribute name or a function name
NAME_REFERENCE = "#"
VALUE_REFERENCE = ":"
NUMBER = "number"
BAD = "bad"
END = "end"
# A word of the grammar has its upper-case text as its kind, an operator or a bracket its text.

_SPACE = " \t\r\n"
_TOKEN = re.compile(
    r"""[ \t\r\n]*
    (?: (?P<name>[A-Za-z][A-Za-z0-9_]*)
      | (?P<reference>[\#:][A-Za-z0-9_]+)
      | (?P<number>0|[1-9][0-9]*)
      | (?P<symbol><=|>=|<>|[=<>()\[\],.+-])
      | (?P<bad>[^ \t\r\n])
    )""",
    re.VERBOSE,
)


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All tokens of the text, the last of kind END (its text is `<EOF>`, as AWS's messages show it)."""
    found = []
    # Space at the end is left out, which the pattern would try again from each of its characters.
    for match in _TOKEN.finditer(text, 0, len(text.rstrip(_SPACE))):
        group = match.lastgroup
        assert group is not None
        content = match[group]
        if group == "name":
            upper = content.upper()
            kind = upper if upper in SYNTAX_WORDS else NAME
        elif group == "reference":
            kind = content[0]
        elif group == "symbol":
            kind = content
        else:
            kind = group
        found.append(Token(kind, content, match.start(group), match.end(group)))
    found.append(Token(END, "<EOF>", len(text), len(text)))
    return found


def syntax_error(text: str, found: list[Token], position: int) -> str:
    """The message for an unexpected token: it is shown with the tokens next to it, and the space between them."""
    start = found[position - 1].start if position else 0
    end = found[min(position + 1, len(found) - 1)].end
    return f'Syntax error; token: "{found[position].text}", near: "{text[start:end]}"'
