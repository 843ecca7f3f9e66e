"""Scaling's part of the store: targets with their policies and scheduled actions, and activities."""

from statordb.engine.contract import Engine
from statordb.model.clock import Clock
from statordb.store.scaling.activities import Activities
from statordb.store.scaling.targets import Targets


class Scaling:
    """What commands, scaling_api and keeper work with."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.targets = Targets(engine, clock)
        self.activities = Activities(engine, clock)
