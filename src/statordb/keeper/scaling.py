"""Scales tables by themselves: what their load, their bounds and scheduled actions ask for."""

import asyncio
from dataclasses import replace

from statordb.commands import scaling
from statordb.keeper import tracking
from statordb.store.scaling import schedules
from statordb.store.scaling.records import (
    FAILED,
    SCHEDULED,
    SUCCESSFUL,
    ActionRecord,
    ActivityRecord,
    TargetRecord,
)
from statordb.store.store import Store
from statordb.store.terms import Place

LOOKS_PER_MINUTE = 6
LATE = 0.25  # of a minute, behind which all processes have written what they counted in it
FORGOTTEN_EVERY = 100  # passes over all targets, behind which old activities are looked for


class Scaling:
    """Some targets a run, through all of them, then again after a while; policies once for each minute."""

    name = "scaling"

    def __init__(self, store: Store) -> None:
        self._store = store
        self.every_seconds = store.scaling.minute_seconds / LOOKS_PER_MINUTE
        self._after: Place | None = None
        self._until = 0  # the minutes before it are looked at in this pass
        self._tracked = 0  # those before it were looked at of all targets
        self._passes = 0
        self._forgetting: Place | None = None

    async def run_once(self) -> bool:
        if self._after is None:
            length = self._store.scaling.minute_seconds
            self._until = int((self._store.clock.now() - LATE * length) // length) * length
        targets, self._after = await self._store.scaling.targets.chunk(self._after)
        faults: list[Exception] = []
        for target in targets:
            try:
                await self._see_to(target)
            except Exception as fault:  # the others' turn comes all the same
                faults.append(fault)
            await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
        if self._after is None:
            self._tracked = self._until
            await self._forget()
        if faults:
            raise faults[0]
        return self._after is not None

    async def _see_to(self, target: TargetRecord) -> None:
        now = self._store.clock.now()
        for action in sorted(target.actions, key=lambda each: each.next_at or 0.0):
            if action.next_at is not None and action.next_at <= now:
                await self._act(target, action, now)
        await scaling.settle(self._store, target.name)
        if self._until != self._tracked and target.policies:
            # As it is now: its bounds may have been changed above.
            current = await self._store.scaling.targets.find(target.name)
            if current is not None:
                await tracking.track(self._store, current, self._until)

    async def _act(self, target: TargetRecord, action: ActionRecord, now: float) -> None:
        """Give a target the bounds of a scheduled action that is due."""
        done: list[str] = []

        def act(found: TargetRecord) -> TargetRecord | None:
            done.clear()
            current = found.action(action.name)
            if current is None or current.next_at != action.next_at:
                return None  # it was changed meanwhile
            following = replace(current, next_at=schedules.next_of(current, now))
            others = [each for each in found.actions if each.name != action.name]
            after = replace(found, actions=[*others, following])
            if found.is_suspended(SCHEDULED):
                return after
            low = found.minimum if action.minimum is None else action.minimum
            high = found.maximum if action.maximum is None else action.maximum
            if low > high:
                done.append(FAILED)
                return after
            done.append(SUCCESSFUL)
            return replace(after, minimum=low, maximum=high, out_of_bounds=True)

        await self._store.scaling.targets.alter(target.name, act)
        if done:
            await self._tell(target, action, done[0], now)

    async def _tell(self, target: TargetRecord, action: ActionRecord, status: str, now: float) -> None:
        bounds = (("min", action.minimum), ("max", action.maximum))
        told = " and ".join(f"{bound} capacity to {units}" for bound, units in bounds if units is not None)
        message = f"Successfully set {told}"
        if status == FAILED:
            message = f"Failed to set {told}. Reason: Minimum capacity cannot be greater than maximum capacity"
        cause = f"scheduled action name {action.name} was triggered"
        activity = ActivityRecord(
            "", target.resource, target.dimension, f"Setting {told}", cause, now, now, status, message
        )
        await self._store.scaling.activities.put(target.account, target.region, activity)

    async def _forget(self) -> None:
        """Look for old activities now and then, some at a time."""
        if self._forgetting is None:
            self._passes += 1
            if self._passes % FORGOTTEN_EVERY != 1:
                return
        self._forgetting = await self._store.scaling.activities.forget(self._forgetting)
