"""What an operation is given, and what it gives."""

from collections.abc import Coroutine
from typing import Any

from statordb.commands.context import Context

__all__ = ["Answer", "Context", "Request", "Usual"]

Request = dict[str, Any]
Answer = dict[str, Any] | bytes | memoryview
"""A response: an object, or its JSON where stored bytes were spliced."""
Usual = Coroutine[Any, Any, Answer] | bytes | None
"""What the short way of an operation gives: the response, if it is there at once, else the coroutine of it; None where
the request needs the full checks."""
