"""Triggers: the records of streams, sent to functions as event source mappings say."""

from statordb.keeper.triggers.duty import Triggers

__all__ = ["Triggers"]
