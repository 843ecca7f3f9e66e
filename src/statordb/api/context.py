"""What an operation is given, and what it gives."""

from typing import Any

from statordb.commands.context import Context

__all__ = ["Answer", "Context", "Request"]

Request = dict[str, Any]
Answer = dict[str, Any] | bytes | memoryview
"""A response: an object, or its JSON where stored bytes were spliced."""
