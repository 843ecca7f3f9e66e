"""The engine's words that those above the store speak: what its refusals and faults are, and how rows are told apart.

Nothing above the store imports an engine, or its contract: only the server knows more.
"""

from statordb.engine.contract import (
    EXHAUSTED,
    ROWS,
    Bounds,
    Change,
    Conflict,
    Effects,
    Key,
    Overloaded,
    Page,
    PageBudget,
    Place,
    Refused,
    Row,
    Stop,
    Stored,
    Use,
)
from statordb.model.unanswered import Unanswered

__all__ = [
    "EXHAUSTED",
    "ROWS",
    "Bounds",
    "Change",
    "Conflict",
    "Effects",
    "Key",
    "Overloaded",
    "Page",
    "PageBudget",
    "Place",
    "Refused",
    "Row",
    "Stop",
    "Stored",
    "Unanswered",
    "Use",
]
