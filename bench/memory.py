"""Memory of a server's processes, from /proc."""

from dataclasses import dataclass
from pathlib import Path

KIB = 1024


@dataclass(frozen=True)
class Process:
    """One process: RSS counts shared pages whole, PSS counts them shared among those who map them; both in bytes."""

    pid: int
    rss: int
    pss: int


def tree(root: int, proc: Path = Path("/proc")) -> list[Process]:
    """The process `root` and all its descendants, `root` first."""
    return [process for pid in family(root, proc) if (process := _measure(pid, proc)) is not None]


def family(root: int, proc: Path = Path("/proc")) -> list[int]:
    """The ids of the process `root` and all its descendants, `root` first."""
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended since the listing
            parent = int(stat.rpartition(")")[2].split()[1])  # the name before ")" may hold spaces
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = [root]
    for pid in found:
        found.extend(sorted(children.get(pid, [])))
    return found


def _measure(pid: int, proc: Path) -> Process | None:
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None  # ended since the listing
    sizes = {line.split(":")[0]: int(line.split()[1]) * KIB for line in lines[1:]}
    return Process(pid, sizes["Rss"], sizes["Pss"])
