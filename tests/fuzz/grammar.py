"""Expressions by a grammar that is nearly DynamoDB's: most are good, many are nearly good, some are nonsense."""

import random
from typing import Any

Value = dict[str, Any]

NAMES = ("p", "c", "a", "b", "n", "l", "m", "s", "deep", "ns", "size", "zone")
RESERVED = ("size", "zone")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
PREDICATES = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains")
ODD_TOKENS = (
    "",
    "(",
    ")",
    ",",
    ".",
    "[",
    "]",
    "[-1]",
    "[99999999999]",
    "#",
    ":",
    "AND",
    "NOT",
    "= =",
    "'x'",
    "1",
    "\x00",
    "é",
    "(((",
)
TEXTS = ("", "x", "hello", "S", "N", "BOOL", "é\U0001f600", "x" * 300, "\x00")
NUMBERS = ("0", "1", "-1", "1.50", "1e125", "9.9e-130", "12345678901234567890123456789012345678", "-0", "7")
ODD_NUMBERS = ("1e200", "x", "", "1234567890" * 4, " 1", "NaN")
BYTES = ("", "AA==", "AAEC", "/w==")
ODD_BYTES = ("x", "A A=", "AA", "=")
ODD = 0.03  # share of values that are none


class Expressions:
    """One request's expressions, and the names and values that they came to use."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.names: dict[str, str] = {}
        self.values: dict[str, Value] = {}

    def parameters(self, **expressions: str) -> dict[str, Any]:
        """Request members: the expressions, and the names and values, with now and then one too many or too few."""
        if self.chance.random() < 0.05:
            self.values[":unused"] = self.constant()
        if self.values and self.chance.random() < 0.05:
            self.values.pop(self.chance.choice(list(self.values)))
        members: dict[str, Any] = dict(expressions)
        if self.names:
            members["ExpressionAttributeNames"] = self.names
        if self.values:
            members["ExpressionAttributeValues"] = self.values
        return members

    def constant(self, depth: int = 0) -> Value:
        """An attribute value of any type."""
        chance = self.chance
        kind = chance.choice(("S", "N", "N", "S", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"))
        if kind in ("L", "M") and depth > 3:
            kind = "S"
        made: Any
        odd = chance.random() < ODD
        match kind:
            case "S":
                made = chance.choice(TEXTS)
            case "N":
                made = chance.choice(ODD_NUMBERS if odd else NUMBERS)
            case "B":
                made = chance.choice(ODD_BYTES if odd else BYTES)
            case "BOOL" | "NULL":
                made = not odd
            case "SS" | "NS" | "BS":
                members = {"SS": TEXTS, "NS": NUMBERS, "BS": BYTES}[kind]
                made = chance.choices(members, k=3) if odd else chance.sample(members, k=chance.randrange(1, 4))
            case "L":
                made = [self.constant(depth + 1) for _ in range(chance.randrange(4))]
            case _:
                made = {chance.choice(NAMES): self.constant(depth + 1) for _ in range(chance.randrange(4))}
        return {kind: made}

    def value(self) -> str:
        """A placeholder for a new value."""
        name = f":v{len(self.values)}"
        self.values[name] = self.constant()
        return name

    def number(self) -> str:
        """A placeholder for a new number."""
        name = f":v{len(self.values)}"
        self.values[name] = {"N": self.chance.choice(NUMBERS)}
        return name

    def name(self) -> str:
        """An attribute's name, at times behind a placeholder."""
        name = self.chance.choice(NAMES)
        if self.chance.random() < (0.97 if name in RESERVED else 0.3):
            self.names["#" + name] = name
            return "#" + name
        return name

    def path(self) -> str:
        steps = self.name()
        while self.chance.random() < 0.3:
            steps += f"[{self.chance.randrange(4)}]" if self.chance.random() < 0.5 else "." + self.name()
        return steps

    def operand(self) -> str:
        roll = self.chance.random()
        if roll < 0.45:
            return self.path()
        if roll < 0.9:
            return self.value()
        return f"size({self.path()})"

    def condition(self, depth: int = 0) -> str:
        chance = self.chance
        roll = chance.random()
        if depth < 4 and roll < 0.3:
            joint = chance.choice((" AND ", " OR ", " and ", " or "))
            return joint.join(self.condition(depth + 1) for _ in range(chance.randrange(2, 4)))
        if depth < 4 and roll < 0.45:
            return chance.choice(("NOT {}", "({})", "NOT ({})")).format(self.condition(depth + 1))
        if roll < 0.65:
            return f"{self.operand()} {chance.choice(COMPARATORS)} {self.operand()}"
        if roll < 0.75:
            return f"{self.operand()} BETWEEN {self.operand()} AND {self.operand()}"
        if roll < 0.82:
            return f"{self.operand()} IN ({', '.join(self.operand() for _ in range(chance.randrange(1, 5)))})"
        return self._call(chance.choice(PREDICATES))

    def _call(self, function: str) -> str:
        """A predicate, with what it takes, or now and then with anything."""
        path = self.path()
        if self.chance.random() < ODD:
            return f"{function}({path}, {self.operand()}, {self.operand()})"
        if function in ("attribute_exists", "attribute_not_exists"):
            return f"{function}({path})"
        if function == "contains":
            return f"{function}({path}, {self.operand()})"
        name = f":v{len(self.values)}"
        self.values[name] = {"S": self.chance.choice(("S", "N", "BOOL"))}
        return f"{function}({path}, {name})"

    def key_condition(self) -> str:
        sort = self.chance.choice(
            (
                "",
                f" AND c {self.chance.choice(COMPARATORS)} {self.number()}",
                f" AND c BETWEEN {self.number()} AND {self.number()}",
                f" AND begins_with(c, {self.number()})",
                f" AND {self.condition(4)}" if self.chance.random() < ODD else "",
            )
        )
        self.values[":p"] = {"S": self.chance.choice(("k1", "k2", "k3"))}
        return self.chance.choice(("p = :p", "p = :p", "p = :p", "(p = :p)", ":p = p", "p > :p")) + sort

    def projection(self) -> str:
        return self.chance.choice((", ", ",", " , ")).join(self.path() for _ in range(self.chance.randrange(1, 6)))

    def update(self) -> str:
        clauses = self.chance.sample(("SET", "REMOVE", "ADD", "DELETE"), k=self.chance.randrange(1, 4))
        return " ".join(f"{clause} {self._actions(clause)}" for clause in clauses)

    def _actions(self, clause: str) -> str:
        count = self.chance.randrange(1, 4)
        if clause == "SET":
            return ", ".join(f"{self.path()} = {self._set_value()}" for _ in range(count))
        if clause == "REMOVE":
            return ", ".join(self.path() for _ in range(count))
        return ", ".join(f"{self.path()} {self.value()}" for _ in range(count))

    def _set_value(self) -> str:
        roll = self.chance.random()
        if roll < 0.4:
            return self._set_operand()
        if roll < 0.7:
            return f"{self._set_operand()} {self.chance.choice('+-')} {self._set_operand()}"
        return f"list_append({self._set_operand()}, {self._set_operand()})"

    def _set_operand(self) -> str:
        roll = self.chance.random()
        if roll < 0.4:
            return self.path()
        if roll < 0.8:
            return self.value()
        return f"if_not_exists({self.path()}, {self.value()})"

    def spoiled(self, expression: str) -> str:
        """At times with a token put in, left out, doubled or far too often."""
        roll = self.chance.random()
        if roll < 0.85:
            return expression
        tokens = expression.split(" ")
        place = self.chance.randrange(len(tokens))
        if roll < 0.9:
            tokens.insert(place, self.chance.choice(ODD_TOKENS))
        elif roll < 0.93:
            del tokens[place]
        elif roll < 0.96:
            tokens.insert(place, tokens[self.chance.randrange(len(tokens))])
        elif roll < 0.98:
            return "(" * self.chance.randrange(1, 2000) + expression
        else:
            return " AND ".join([expression] * self.chance.randrange(2, 200))
        return " ".join(tokens)
