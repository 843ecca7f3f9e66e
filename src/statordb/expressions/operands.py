"""Operands: checked against a request's names and values, and compiled to closures over (item, values).

A closure gives the operand's value in wire form, or None where the item has none. Compiled closures keep no values of a
request: `values` (ExpressionAttributeValues) is handed in at each call, so that one closure serves all requests with
the same text.
"""

from collections.abc import Iterator, Mapping

from statordb.expressions.faults import Fault
from statordb.expressions.paths import Item, Reader, Value, reader, resolve
from statordb.expressions.syntax import Call, Literal, Operand, Path, ValueReference
from statordb.model.values import binary_size

Names = Mapping[str, str]
Values = Mapping[str, Value]

_NOT_SIZED = frozenset(("N", "BOOL", "NULL"))


def tag(value: Value) -> str:
    """A value's type: S, N, ..."""
    for found in value:
        return found
    raise AssertionError("a value in wire form has a type")


def known_value(operand: Operand, values: Values) -> Value | None:
    """The value of an operand that does not depend on the item; None for any other."""
    if isinstance(operand, ValueReference):
        return values[operand.text]
    return operand.value if isinstance(operand, Literal) else None


def check_defined(operand: Operand, names: Names, values: Values) -> None:
    """Raises Fault where the operand refers to a name or a value that the request does not define."""
    if isinstance(operand, Path):
        resolve(operand, names)
    elif isinstance(operand, ValueReference):
        if operand.text not in values:
            raise Fault(
                "An expression attribute value used in expression is not defined; attribute value: " + operand.text
            )


def check_count(function: str, operands: tuple[Operand, ...], count: int) -> None:
    if len(operands) != count:
        raise Fault(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(operands)}"
        )


def wrong_type(operator: str, operand_type: str) -> Fault:
    return Fault(
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {operand_type}"
    )


def needs_path(function: str) -> Fault:
    return Fault(f"Operator or function requires a document path; operator or function: {function}")


def operand_type(operand: Operand, values: Values) -> str | None:
    """The type that an operand of a condition is known to have before there is an item; None for a path."""
    if isinstance(operand, Call):
        return "N"  # size() is the only function that is an operand of a condition
    value = known_value(operand, values)
    return None if value is None else tag(value)


def check_size(call: Call, names: Names, values: Values) -> None:
    """Checks size(operand); its operand may be another size(), which then has the wrong type."""
    calls = [call]
    while isinstance(calls[-1].operands[0], Call):
        calls.append(calls[-1].operands[0])
    for inner in reversed(calls):
        for operand in inner.operands:
            check_defined(operand, names, values)
        check_count("size", inner.operands, 1)
        type_ = operand_type(inner.operands[0], values)
        if type_ in _NOT_SIZED:
            raise wrong_type("size", type_ or "")


def compile_operand(operand: Operand, names: Names) -> Reader:
    """The closure of an operand of a condition."""
    if isinstance(operand, Path):
        return reader(resolve(operand, names))
    if isinstance(operand, ValueReference):
        reference = operand.text
        return lambda item, values: values[reference]
    if isinstance(operand, Literal):
        given = operand.value
        return lambda item, values: given
    assert isinstance(operand, Call)
    inner = compile_operand(operand.operands[0], names)

    def read_size(item: Item, values: Values) -> Value | None:
        value = inner(item, values)
        length = None if value is None else size_of(value)
        return None if length is None else {"N": str(length)}

    return read_size


def size_of(value: Value) -> int | None:
    """What size() gives: UTF-16 units of a string, bytes of a binary, members of a collection; None for other types."""
    for type_, content in value.items():
        if type_ == "S":
            return len(content) if content.isascii() else len(content.encode("utf-16-le", "surrogatepass")) // 2
        if type_ == "B":
            return binary_size(content)
        return None if type_ in _NOT_SIZED else len(content)
    return None


def paths_of(operand: Operand) -> Iterator[Path]:
    """Every path that the operand reads."""
    waiting = [operand]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Path):
            yield found
        elif isinstance(found, Call):
            waiting.extend(reversed(found.operands))
        elif not isinstance(found, ValueReference | Literal):
            waiting += (found.right, found.left)
