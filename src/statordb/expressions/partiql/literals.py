"""Literals of statements to values in wire form. Nothing here calls itself for what stands inside another."""

from typing import Any

from statordb.expressions.partiql import tokens
from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.statement_tree import Parameters, Template
from statordb.expressions.syntax import Literal, ValueReference
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import NESTING_DEPTH_MAX
from statordb.model.numbers import normalize
from statordb.model.values import check

_CLOSING = {"[": "]", "{": "}", "<<": ">>"}
_NUMBER_PARTS_MAX = 2**31 - 1  # of an exponent, and of a scale
_EXPONENT_CHARACTERS_MAX = 12  # a longer one is beyond that
_SET_TYPES = {"S": "SS", "N": "NS"}
BEGINNINGS = frozenset(
    (tokens.STRING, tokens.NUMBER, "TRUE", "FALSE", "NULL", "?", "[", "{", "<<", "+", "-")
)  # tokens that a literal or a parameter begins with


class _Open:
    """A list, tuple or bag that is being read. `key`: of the next member of a tuple."""

    __slots__ = ("bracket", "key", "members")

    def __init__(self, bracket: str) -> None:
        self.bracket = bracket
        self.members: Any = {} if bracket == "{" else []
        self.key = ""

    def add(self, value: Any) -> None:
        if self.bracket == "{":
            self.members[self.key] = value
        else:
            self.members.append(value)

    def place(self) -> str:
        return f".{self.key}" if self.bracket == "{" else f"[{len(self.members)}]"


class LiteralParser:
    """Reads literals and parameters of one statement."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.parameters = Parameters()

    def operand(self) -> Literal | ValueReference:
        """A literal, or what refers to a parameter or is made of some; its value is checked unless parameters are."""
        template, has_parameters = self.template()
        if not has_parameters:
            assert isinstance(template, dict)
            check(template)
            return Literal(template)
        if isinstance(template, ValueReference):
            return template
        made = self.parameters.made
        reference = f"={len(made)}"
        made[reference] = template
        return ValueReference(reference)

    def template(self) -> tuple[Template, bool]:
        """The next literal, and whether there are parameters in it. Values that have none are not checked yet."""
        cursor = self._cursor
        opened: list[_Open] = []
        before = self.parameters.count
        while True:
            kind = cursor.kind
            if kind in _CLOSING:
                if len(opened) > NESTING_DEPTH_MAX:
                    raise errors.nested_too_deeply()
                cursor.advance()
                opened.append(_Open(kind))
                if cursor.kind != _CLOSING[kind]:
                    self._begin_member(opened[-1])
                    continue
                value: Any = self._closed(opened)
            else:
                value = self._scalar(opened)
            while opened:  # the value is a member, and perhaps the last of several
                opened[-1].add(value)
                if cursor.accept(","):
                    self._begin_member(opened[-1])
                    break
                if cursor.kind != _CLOSING[opened[-1].bracket]:
                    raise cursor.unexpected()
                value = self._closed(opened)
            else:
                return value, self.parameters.count > before

    def _begin_member(self, opened: _Open) -> None:
        if opened.bracket == "{":
            place = self._cursor.place
            token = self._cursor.token
            opened.key = self._cursor.expect(tokens.STRING)
            if not opened.key:
                raise errors.validation_as_it_is("Path component cannot be an empty string")
            if opened.key in opened.members:
                raise errors.validation_as_it_is(
                    f"Duplicate keys in tuple. Key: {errors.quoted(opened.key)} under root at {place(token)}"
                )
            self._cursor.expect(":")

    def _closed(self, opened: list[_Open]) -> Template:
        self._cursor.advance()
        done = opened.pop()
        if done.bracket == "{":
            return {"M": done.members}
        return {"L": done.members} if done.bracket == "[" else bag(done.members)

    def _scalar(self, opened: list[_Open]) -> Template:
        cursor = self._cursor
        kind = cursor.kind
        if kind == "?":
            cursor.advance()
            reference = ValueReference(f"?{self.parameters.count}")
            self.parameters.count += 1
            return reference
        if kind == tokens.STRING:
            return {"S": cursor.advance()}
        if kind == tokens.NUMBER:
            return {"N": _number(cursor.advance(), opened)}
        if (kind == "-" or kind == "+") and cursor.following == tokens.NUMBER:
            sign = cursor.advance()
            return {"N": _number(("-" if sign == "-" else "") + cursor.advance(), opened)}
        if kind == "TRUE" or kind == "FALSE":
            cursor.advance()
            return {"BOOL": kind == "TRUE"}
        if kind == "NULL":
            cursor.advance()
            return {"NULL": True}
        raise cursor.unexpected()


def bag(members: list[Any]) -> dict[str, Any]:
    """A set in wire form. Its members are literals of one type, never parameters."""
    if not members:
        raise errors.validation_as_it_is("Empty bags are not supported")
    types = {type_ for member in members if isinstance(member, dict) for type_ in member}
    parameters = any(isinstance(member, ValueReference) for member in members)
    type_ = types.pop() if types else None
    if parameters or types or type_ not in _SET_TYPES:
        raise errors.validation_as_it_is(
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
        )
    return {_SET_TYPES[type_]: [member[type_] for member in members]}


def _number(text: str, opened: list[_Open]) -> str:
    mantissa, _, exponent = text.lower().partition("e")
    scale = len(mantissa.partition(".")[2])
    power = exponent.lstrip("+-0")
    if len(power) > _EXPONENT_CHARACTERS_MAX:
        raise errors.ill_formed_statement("")
    shift = -int(power or 0) if exponent.startswith("-") else int(power or 0)
    if abs(shift) > _NUMBER_PARTS_MAX or abs(scale - shift) > _NUMBER_PARTS_MAX:
        raise errors.ill_formed_statement("")
    try:
        return normalize(text)
    except ClientError as fault:
        place = "".join(each.place() for each in opened)
        raise errors.validation(f"{fault.message} under root{place}") from None
