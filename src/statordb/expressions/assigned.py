"""What a SET assigns, compiled to closures over (item, values, growth); lists that are made are added to the growth."""

from collections.abc import Callable

from statordb.expressions.growth import Growth
from statordb.expressions.operands import Names, Values
from statordb.expressions.paths import Item, Reader, Value, reader, resolve
from statordb.expressions.syntax import Arithmetic, Call, Literal, Operand, Path, ValueReference
from statordb.model.errors import ClientError, validation
from statordb.model.numbers import add, subtract

WRONG_TYPE = "An operand in the update expression has an incorrect data type"

Compute = Callable[[Item, Values, Growth], Value]


def _missing() -> ClientError:
    return validation("The provided expression refers to an attribute that does not exist in the item")


def compile_value(operand: Operand, names: Names) -> Compute:
    """The closure of what a SET assigns; it raises ValidationException where the item lacks what it reads."""
    if isinstance(operand, Arithmetic):
        return _arithmetic(operand, names)
    if isinstance(operand, Call):
        if operand.function == "list_append":
            return _list_append(*[compile_value(each, names) for each in operand.operands])
        path, default = operand.operands
        assert isinstance(path, Path)
        return _if_not_exists(reader(resolve(path, names)), compile_value(default, names))
    if isinstance(operand, ValueReference):
        reference = operand.text
        return lambda item, values, growth: values[reference]
    if isinstance(operand, Literal):
        given = operand.value
        return lambda item, values, growth: given
    read = reader(resolve(operand, names))

    def compute(item: Item, values: Values, growth: Growth) -> Value:
        value = read(item, values)
        if value is None:
            raise _missing()
        return value

    return compute


def makes_lists(operand: Operand) -> bool:
    """Whether what is assigned is made by list_append, which stands around all else."""
    return isinstance(operand, Call) and operand.function == "list_append"


def _arithmetic(operand: Arithmetic, names: Names) -> Compute:
    left, right = compile_value(operand.left, names), compile_value(operand.right, names)
    combine = add if operand.operator == "+" else subtract

    def compute(item: Item, values: Values, growth: Growth) -> Value:
        one = left(item, values, growth).get("N")
        if one is None:
            raise validation(WRONG_TYPE)
        two = right(item, values, growth).get("N")
        if two is None:
            raise validation(WRONG_TYPE)
        return {"N": combine(one, two)}

    return compute


def _list_append(left: Compute, right: Compute) -> Compute:
    def compute(item: Item, values: Values, growth: Growth) -> Value:
        one = left(item, values, growth).get("L")
        if one is None:
            raise validation(WRONG_TYPE)
        two = right(item, values, growth).get("L")
        if two is None:
            raise validation(WRONG_TYPE)
        growth.make(len(one) + len(two))
        return {"L": one + two}

    return compute


def _if_not_exists(read: Reader, default: Compute) -> Compute:
    def compute(item: Item, values: Values, growth: Growth) -> Value:
        value = read(item, values)
        return default(item, values, growth) if value is None else value

    return compute
