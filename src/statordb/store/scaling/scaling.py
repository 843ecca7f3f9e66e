"""Scaling's part of the store: targets with their policies and scheduled actions, and activities."""

from statordb.engine.contract import Engine
from statordb.metering.minutes import MINUTE_SECONDS
from statordb.model.clock import Clock
from statordb.store.scaling.activities import Activities
from statordb.store.scaling.targets import Targets


class Scaling:
    """What commands, scaling_api and keeper work with."""

    def __init__(self, engine: Engine, clock: Clock, minute_seconds: int = MINUTE_SECONDS) -> None:
        """`minute_seconds`: how long its minutes take."""
        self.minute_seconds = minute_seconds
        self.targets = Targets(engine, clock)
        self.activities = Activities(engine, clock)
