"""What a server was asked, for tests to look at: a file in memory to which all processes append."""

import fcntl
import os
from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson

from statordb.model.limits import MIB
from statordb.server.controls.faults import Asked

FILE_BYTES_MAX = 32 * MIB  # behind which nothing more is noted until what is there is forgotten
PARAMETERS_BYTES_MAX = MIB // 4  # of a request; of a larger one its parameters are left out
LISTED_MAX = 1000


class Requests:
    """Lines of JSON, the oldest first. Made before the fork."""

    def __init__(self) -> None:
        self._file = os.memfd_create("statordb-requests") if hasattr(os, "memfd_create") else -1
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)

    def note(self, asked: Asked, at: float, size: int, fault: str | None) -> None:
        """One more. `at`: by the server's clock; `size`: of its body; `fault`: the kind of the one that it met."""
        if os.fstat(self._file).st_size > FILE_BYTES_MAX:
            return
        who = asked.principal
        line = {
            "operation": asked.operation,
            "tables": list(asked.tables),
            "account": who.account,
            "region": who.region,
            "at": at,
            "parameters": asked.document if size <= PARAMETERS_BYTES_MAX else None,
            "fault": fault,
        }
        os.write(self._file, orjson.dumps(line) + b"\n")

    def clear(self) -> None:
        """Forget all."""
        os.ftruncate(self._file, 0)

    def listed(self, wanted: Mapping[str, str], most: int = LISTED_MAX) -> tuple[list[dict[str, Any]], bool]:
        """The last ones that are as `wanted` (operation, table, account), the oldest first; and whether nothing more is
        noted. May take a while."""
        size = os.fstat(self._file).st_size
        lines = os.pread(self._file, size, 0).splitlines()
        found = list(islice((each for each in map(orjson.loads, reversed(lines)) if _is(each, wanted)), most))
        return found[::-1], size > FILE_BYTES_MAX


def _is(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    if "table" in wanted and wanted["table"] not in entry["tables"]:
        return False
    return all(entry[name] == wanted[name] for name in ("operation", "account") if name in wanted)
