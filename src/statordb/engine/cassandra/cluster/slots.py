"""Which process has which number (slot): rows of `slots`, by lightweight transactions only.

state: held by a process; recovering, by `helper`, since that process died; free.
"""

import random
import time
from collections.abc import Callable

from statordb.engine.cassandra.cluster.clock import SLOTS
from statordb.engine.cassandra.cluster.pulses import Who
from statordb.engine.cassandra.cql.session import SERIAL, Session, Statement, Unreachable

HELD = "held"
RECOVERING = "recovering"
FREE = "free"
CLAIM_SECONDS = 30.0
SET_TRIES = 5  # at one change whose outcome can't be learnt
_SPREAD = 4  # of the lowest free numbers one is tried, so that processes which start together seldom meet

State = tuple[bytes, str, bytes | None]
"""Incarnation, state, helper."""


async def claim(session: Session, incarnation: bytes) -> int:
    """Take a free number for a process. Raises Unreachable."""
    deadline = time.monotonic() + CLAIM_SECONDS
    while time.monotonic() < deadline:
        states = {slot: state for slot, _, state in await _all(session)}
        slots = [slot for slot in range(min(SLOTS, len(states) + _SPREAD)) if states.get(slot, FREE) == FREE]
        if not slots:
            raise Unreachable(f"all {SLOTS} numbers of processes are taken")
        slot = random.choice(slots[:_SPREAD])
        if slot in states:
            text = "UPDATE slots SET incarnation = ?, state = ?, helper = null WHERE slot = ? IF state = ?"
            values: tuple[object, ...] = incarnation, HELD, slot, FREE
        else:
            text = "INSERT INTO slots (slot, incarnation, state) VALUES (?, ?, ?) IF NOT EXISTS"
            values = slot, incarnation, HELD
        if await _set(session, slot, (text, values), (incarnation, HELD, None)):
            return slot
    raise Unreachable("no number could be taken for this process")


async def held(session: Session) -> list[Who]:
    """The processes that have a number. Raises Unreachable."""
    return [(slot, incarnation) for slot, incarnation, state in await _all(session) if state != FREE]


async def take_over(session: Session, who: Who, helper: bytes, alive: Callable[[bytes], bool]) -> bool:
    """Begin to recover a dead process, unless a helper who is alive does. One that has no number any more may be
    recovered by anybody, and again. Raises Unreachable."""
    slot, incarnation = who
    found = await _state(session, slot)
    if found is None or found[0] != incarnation or found[1] == FREE:
        return True
    if found[1] == RECOVERING and found[2] is not None and found[2] != helper and alive(found[2]):
        return False
    text = "UPDATE slots SET state = ?, helper = ? WHERE slot = ? IF incarnation = ? AND state = ? AND helper = ?"
    values = RECOVERING, helper, slot, incarnation, found[1], found[2]
    return await _set(session, slot, (text, values), (incarnation, RECOVERING, helper))


async def hand_on(session: Session, who: Who, helper: bytes) -> None:
    """End being the one who recovers a process, which stays to be recovered. Raises Unreachable."""
    slot, incarnation = who
    text = "UPDATE slots SET helper = null WHERE slot = ? IF incarnation = ? AND state = ? AND helper = ?"
    await _set(session, slot, (text, (slot, incarnation, RECOVERING, helper)), (incarnation, RECOVERING, None))


async def free(session: Session, who: Who, state: str, helper: bytes | None = None) -> None:
    """Give a number back, out of that state; nothing if somebody else sees to it. Raises Unreachable."""
    slot, incarnation = who
    text = "UPDATE slots SET state = ?, helper = null WHERE slot = ? IF incarnation = ? AND state = ? AND helper = ?"
    await _set(session, slot, (text, (FREE, slot, incarnation, state, helper)), (incarnation, FREE, None))


async def _all(session: Session) -> list[tuple[int, bytes, str]]:
    return await session.rows("SELECT slot, incarnation, state FROM slots")


async def _state(session: Session, slot: int) -> State | None:
    text = "SELECT incarnation, state, helper FROM slots WHERE slot = ?"
    rows = await session.rows(text, slot, consistency=SERIAL)
    return rows[0] if rows else None


async def _set(session: Session, slot: int, statement: Statement, wanted: State) -> bool:
    """A conditional write, until it is known whether it happened. Raises Unreachable."""
    for _ in range(SET_TRIES):
        try:
            return await session.conditional([statement]) is None or await _state(session, slot) == wanted
        except Unreachable:
            if await _state(session, slot) == wanted:
                return True
    raise Unreachable("the number of a process could not be changed")
