"""Updates of the server's own rows. Nobody could tell a client of a conflict there, so they outlast it."""

from collections.abc import Sequence

from statordb.engine.contract import Conflict, Effects, Engine, Guard, Key, Overloaded, Plan, Refused, Stale
from statordb.store.news import NOTHING

ATTEMPTS_MAX = 5  # an engine waits by itself for about a second before it gives up; who holds rows may be dead for 3 s


class Contended(Overloaded):
    """Others held the rows of an update all the time: nothing was written; args: the rows held last."""


async def update(engine: Engine, footprint: Sequence[Key], plan: Plan) -> Effects | Refused:
    """`Engine.update` without guards. Raises Contended, and what the engine raises but Conflict."""
    outcome = await guarded(engine, footprint, plan, ())
    assert not isinstance(outcome, Stale), "there are no guards"
    return outcome


async def guarded(
    engine: Engine, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard]
) -> Effects | Refused | Stale:
    """`Engine.update`. Raises as `update`."""
    held: Sequence[Key] = ()
    for _ in range(ATTEMPTS_MAX):
        try:
            return await engine.update(footprint, plan, guards)
        except Conflict as conflict:
            held = conflict.keys
    raise Contended(held)


async def announce(engine: Engine) -> None:
    """Returns when no process goes by what it knew of the catalog before. Raises as `update`."""
    await update(engine, (), lambda stored: Effects(announce=NOTHING))
