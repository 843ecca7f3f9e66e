"""What AWS keeps to for each account and region, and a server where it is told to."""

from typing import NamedTuple


class Quotas(NamedTuple):
    """`tables`: of an account in a region; `control_operations`: how many of these may be created, updated or deleted
    at a time; 0: any number. `changes`: whether decreases of capacity and changes of the table class are counted."""

    tables: int = 0
    control_operations: int = 0
    changes: bool = False


NO_QUOTAS = Quotas()
