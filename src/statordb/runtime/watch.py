"""Whether the code of a function that is run from a local directory has changed."""

import asyncio
import os
from pathlib import Path

CHECK_SECONDS = 1.0  # between two looks
FILES_MAX = 20_000  # files beyond are not looked at
IGNORED = frozenset({"__pycache__", "node_modules"})

Signature = frozenset[tuple[str, int, int]]


class CodeWatch:
    """Looks at a directory's files when asked, at most once in CHECK_SECONDS. `due_at`: when the next look is due."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: Signature | None = None
        self.due_at = 0.0

    async def changed(self) -> bool:
        """Whether a file has come, gone or changed since the last look. The first look only remembers."""
        self.due_at = asyncio.get_running_loop().time() + CHECK_SECONDS
        now = await asyncio.to_thread(signature, self._directory)
        before, self._seen = self._seen, now
        return before is not None and before != now


def signature(directory: Path) -> Signature:
    """Path, size and time of change of every file; hidden directories and those of IGNORED are left out.

    So is what can't be looked at: a link that leads nowhere or to itself, a directory that may not be read, and what
    is gone before we get to it.
    """
    found: list[tuple[str, int, int]] = []
    waiting = [str(directory)]
    while waiting and len(found) < FILES_MAX:
        try:
            with os.scandir(waiting.pop()) as entries:
                listed = list(entries)
        except OSError:
            continue
        for entry in listed:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED and not entry.name.startswith("."):
                        waiting.append(entry.path)
                else:
                    facts = entry.stat()
                    found.append((entry.path, facts.st_size, facts.st_mtime_ns))
            except OSError:
                continue
    return frozenset(found)
