"""What one run of an update copies and makes."""

from statordb.model.budget import Budget
from statordb.model.errors import update_too_large
from statordb.model.limits import ITEM_BYTES_MAX


class Growth:
    """Members that an update copied, which are work, and that it made, of which each takes a byte of the new item.

    All that is made stands in the new item, at places of its own. So an update is known to make an item that is too
    large long before all of it is made.
    """

    __slots__ = ("_budget", "_bytes_min")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes_min = 0

    def copy(self, members: int) -> None:
        """Call this before members are copied."""
        self._budget.spend(members)

    def make(self, members: int) -> None:
        """Call this before a list of that many members is made. Raises ValidationException beyond an item's size."""
        self._bytes_min += members
        if self._bytes_min > ITEM_BYTES_MAX:
            raise update_too_large()
        self._budget.spend(members)
