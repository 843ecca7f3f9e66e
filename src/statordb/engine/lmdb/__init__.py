"""The embedded engine, on LMDB."""

from statordb.engine.lmdb.engine import LmdbEngine

__all__ = ["LmdbEngine"]
