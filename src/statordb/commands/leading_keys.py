"""Which values of a partition key a decision is known to allow.

A policy that lets everybody have the items under a name of his own is asked for the same few values again and again. A
decision that has asked for nothing else of a request comes to the same for each that has this value.
"""

from operator import attrgetter
from typing import Any

from statordb.commands.demands import Demand
from statordb.commands.getting import Get
from statordb.commands.request_facts import RequestFacts
from statordb.commands.writing import Delete, Put, Update
from statordb.store.table import Table

VALUES_MAX = 64  # of one decision
VALUE_CHARACTERS_MAX = 256
_ASKED = frozenset(("dynamodb:leadingkeys", "dynamodb:firstpartitionkeyvalues"))
_KEYS = {**dict.fromkeys((Get, Update, Delete), attrgetter("key")), Put: attrgetter("item")}
_NONE: dict[str, Any] = {}


class LeadingKeys:
    """Of one decision, about one table as it is: whoever keeps this forgets it with that."""

    __slots__ = ("_allowed", "_attribute")

    def __init__(self) -> None:
        self._attribute: str | None = None  # of the partition key, once something is known
        self._allowed: dict[str, None] = {}

    def allow(self, demand: Demand) -> bool:
        """Whether what is demanded is known to be allowed; False says nothing."""
        return self._attribute is not None and _value(demand, self._attribute) in self._allowed

    def learn(self, demand: Demand, table: Table, facts: RequestFacts) -> None:
        """Know a demand that was just allowed by these facts, if it was by its partition key's value alone."""
        partition = table.schema.partition
        if len(partition) != 1 or not facts.asked_only(_ASKED):
            return
        value = _value(demand, partition[0].name)
        if value is None or len(value) > VALUE_CHARACTERS_MAX:
            return
        self._attribute = partition[0].name
        if len(self._allowed) >= VALUES_MAX:
            del self._allowed[next(iter(self._allowed))]
        self._allowed[value] = None


def _value(demand: Demand, attribute: str) -> str | None:
    """The string that a demand has for the partition key's attribute; None for whatever else it has or is."""
    key_of = _KEYS.get(demand.__class__)
    if key_of is None:
        return None
    value = key_of(demand).get(attribute, _NONE).get("S")
    return value if value.__class__ is str else None
