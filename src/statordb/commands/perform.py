"""The one way in: a command is admitted, and then carried out."""

from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from statordb.commands.context import Context
from statordb.commands.demands import Demand

T_co = TypeVar("T_co", covariant=True)


class Command(Protocol[T_co]):
    """Something to be done with items, in types: its expressions are compiled, its values checked.

    It is not known yet whether its tables are there, and whether keys fit them: who may not do it is told nothing of
    that.
    """

    def demands(self) -> Iterable[Demand]: ...

    def run(self, context: Context) -> Coroutine[Any, Any, T_co]:
        """Do it, within the budget and the turns of the context. Raises ClientError, Heavy."""
        ...


def perform(context: Context, command: Command[T_co]) -> Coroutine[Any, Any, T_co]:
    """Have a command admitted, and do it. Raises AccessDeniedException at once where it can."""
    gate, principal, origin, request = context.gate, context.principal, context.origin, context.request
    budget = context.budget
    for demand in command.demands():
        if not gate.admit(principal, origin, demand, request, budget):
            return _admitted(context, command)
    return command.run(context)


async def _admitted(context: Context, command: Command[T_co]) -> T_co:
    """The same where a table has to be looked up first."""
    for demand in command.demands():
        await context.admit(demand)
    return await command.run(context)
