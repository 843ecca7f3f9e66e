"""PartiQL statements by a grammar that is nearly AWS's: most are good, many are nearly good, some are nonsense."""

import random
from typing import Any

from tests.fuzz.grammar import COMPARATORS, NAMES, Expressions

LITERALS = (
    "'x'", "'it''s'", "''", "1", "-1.5", ".5e1", "1e125", "true", "FALSE", "null", "[]", "[1, 'a', [2]]", "{}",
    "{'a': 1, 'm': {'b': [1]}}", "<<1, 2>>", "<<'a'>>", "1e200", "<<>>", "<<1, 'a'>>",
)  # fmt: skip
TYPES = ("NULL", "MISSING", "STRING", "NUMBER", "BOOL", "LIST", "nothing")
ODD = ("", "(", ")", ",", "?", "'", '"', "<<", "--", "/*", "AND", "SELECT", "\x00", "é", "((((", "[[[[", "count(", ";")
RETURNING = ("", "", " RETURNING ALL OLD *", " RETURNING MODIFIED NEW *", " RETURNING ALL NEW *", " RETURNING")
NESTED = 120  # levels of some statements


class Statements:
    """One statement, and the parameters that it came to use."""

    def __init__(self, chance: random.Random, table: str, partitions: tuple[str, ...]) -> None:
        self.chance = chance
        self._table = table
        self._partitions = partitions
        self._values: list[dict[str, Any]] = []

    def parameters(self, statement: str) -> dict[str, Any]:
        """Members of a request: now and then one parameter too few."""
        if self._values and self.chance.random() < 0.03:
            self._values.pop()
        return {"Statement": statement or " "} | ({"Parameters": self._values} if self._values else {})

    def statement(self) -> str:
        roll = self.chance.random()
        if roll < 0.45:
            return self._select()
        if roll < 0.65:
            return f'INSERT INTO "{self._table}" VALUE {self._tuple()}'
        returning = self.chance.choice(RETURNING)
        if roll < 0.9:
            update = " ".join(self._assignment() for _ in range(self.chance.randrange(1, 4)))
            return f'UPDATE "{self._table}" {update} WHERE {self._whole_key()}{returning}'
        return f'DELETE FROM "{self._table}" WHERE {self._whole_key()}{returning}'

    def spoiled(self, statement: str) -> str:
        roll = self.chance.random()
        if roll < 0.85:
            return statement
        words = statement.split(" ")
        at = self.chance.randrange(len(words))
        if roll < 0.9:
            words[at] = self.chance.choice(ODD)
        elif roll < 0.95:
            words[at] *= 2
        else:
            words[at] = self.chance.choice(("(", "[", "{'a':", "NOT ", "<<")) * NESTED + words[at]
        return " ".join(words)

    def _select(self) -> str:
        chance = self.chance
        what = chance.choice(("*", "p, c", ", ".join(self._path() for _ in range(chance.randrange(1, 4)))))
        source = chance.choice((f'"{self._table}"',) * 4 + (f'"{self._table}"."local"', f'"{self._table}"."global"'))
        where = chance.choice(("", f" WHERE {self._condition()}", f" WHERE {self._key()} AND {self._condition()}"))
        order = chance.choice(("", "", "", " ORDER BY c DESC", " ORDER BY p, c", " ORDER BY n"))
        return f"SELECT {what} FROM {source}{where}{order}"

    def _key(self) -> str:
        names = [f"'{name}'" for name in self.chance.sample(self._partitions, k=3)]
        return self.chance.choice((f"p = {names[0]}", f"p IN [{', '.join(names)}]", self._whole_key()))

    def _whole_key(self) -> str:
        key = f"p = '{self.chance.choice(self._partitions)}' AND c = {self.chance.randrange(20)}"
        return key if self.chance.random() < 0.7 else f"{key} AND {self._condition()}"

    def _path(self) -> str:
        name = self.chance.choice(NAMES)
        steps = f'"{name}"' if self.chance.random() < 0.5 else name
        while self.chance.random() < 0.2:
            steps += self.chance.choice(("[0]", "[1]", ".a", '."deep"'))
        return steps

    def _value(self) -> str:
        if self.chance.random() < 0.5:
            return self.chance.choice(LITERALS)
        self._values.append(Expressions(self.chance).constant())
        return self.chance.choice(("?", "?", "?", "[?]", "{'a': ?}", "<<?>>"))

    def _operand(self) -> str:
        roll = self.chance.random()
        if roll < 0.1:
            return f"size({self._path()})"
        return self._path() if roll < 0.5 else self._value()

    def _condition(self, depth: int = 0) -> str:
        chance = self.chance
        roll = chance.random()
        if depth < 4 and roll < 0.3:
            return chance.choice((" AND ", " or ")).join(self._condition(depth + 1) for _ in range(2))
        if depth < 4 and roll < 0.4:
            return chance.choice(("NOT {}", "({})", "NOT ({})")).format(self._condition(depth + 1))
        if roll < 0.6:
            return f"{self._operand()} {chance.choice((*COMPARATORS, '!='))} {self._operand()}"
        if roll < 0.7:
            return f"{self._operand()} BETWEEN {self._operand()} AND {self._operand()}"
        if roll < 0.8:
            return f"{self._path()} IN [{self._value()}, {self._value()}]"
        if roll < 0.9:
            return f"{self._path()} IS {chance.choice(('', 'NOT '))}{chance.choice(TYPES)}"
        function = chance.choice(("contains", "begins_with", "attribute_type", "attribute_exists"))
        return f"{function}({self._path()}{'' if function == 'attribute_exists' else ', ' + self._value()})"

    def _assignment(self) -> str:
        path = self._path()
        if self.chance.random() < 0.2:
            return f"REMOVE {path}"
        value = self.chance.choice(
            (
                self._operand(),
                f"{path} + {self._value()}",
                f"list_append({path}, {self._value()})",
                f"if_not_exists({path}, {self._value()})",
                f"set_add({path}, {self._value()})",
                f"set_delete({path}, {self._value()})",
            )
        )
        return f"SET {path} = {value}"

    def _tuple(self) -> str:
        members = {"p": f"'{self.chance.choice(self._partitions)}'", "c": str(self.chance.randrange(20))}
        for name in self.chance.sample(("a", "n", "b", "l", "m"), k=self.chance.randrange(4)):
            members[name] = self._value()
        return "{" + ", ".join(f"'{name}': {value}" for name, value in members.items()) + "}"
