"""The engine's words that those above the store speak: what its refusals and faults are, and how rows are told apart.

Nothing above `commands` imports an engine, or its contract.
"""

from statordb.engine.contract import (
    Budget,
    Change,
    Conflict,
    Key,
    Overloaded,
    Page,
    Place,
    Refused,
    Row,
    Stop,
    Stored,
    Use,
)

__all__ = [
    "Budget",
    "Change",
    "Conflict",
    "Key",
    "Overloaded",
    "Page",
    "Place",
    "Refused",
    "Row",
    "Stop",
    "Stored",
    "Use",
]
