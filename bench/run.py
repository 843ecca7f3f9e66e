"""StatorDB, the floor and the servers one might use instead, measured in one run, in turns, in one table.

Usage: run.py [--quick | --full]
              [--only floor,workers,disk,memory,breadth,statements,permissions,sealed,audit,throttling,isolation,
              footprint,growth,streams,drain,triggers,exchange]
              [--beside NAME] [--rounds N] [--seconds N] [--write] [--no-install] [--tools DIR]
       run.py --engine cassandra [--cassandra HOST,HOST --datacenter DC] [--quick] [--rounds N] [--seconds N] [--write]
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import FrameType

import audit
import breadth
import cassandra
import exchange
import footprint
import growth
import isolation
import permissions
import report
import sealed
import speed
import statements
import streams
import throttling
import triggers
from figures import Line
from turns import Bench, Options

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
WRK_INSTALL_SECONDS_MAX = 300
MEASURED = ("statordb", "lmdb", "acsylla", "uvloop", "httptools")
Comparison = Callable[[Bench], Iterator[Line]]
COMPARISONS: dict[str, Comparison] = {
    "floor": speed.floor,
    "workers": speed.workers,
    "disk": speed.disk,
    "memory": speed.memory,
    "breadth": breadth.breadth,
    "statements": statements.statements,
    "permissions": permissions.permissions,
    "sealed": sealed.sealed,
    "audit": audit.audit,
    "throttling": throttling.throttling,
    "isolation": isolation.isolation,
    "footprint": footprint.footprint,
    "growth": growth.growth,
    "streams": streams.puts,
    "drain": streams.drain,
    "triggers": triggers.triggers,
    "exchange": exchange.exchange,
}
ROUNDS = {"lmdb": 3, "cassandra": 12}  # what a cluster on one machine gives differs more from round to round
SECONDS = {"lmdb": 4, "cassandra": 2}
ENGINES: dict[str, dict[str, Comparison]] = {"lmdb": COMPARISONS, "cassandra": {"cassandra": cassandra.cassandra}}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure StatorDB beside the floor and other servers.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one round of 2 s each, 100 thousand items for growth")
    size.add_argument("--full", action="store_true", help="10 million items for growth instead of 1 million")
    parser.add_argument("--only", help=f"some of: {','.join(COMPARISONS)}")
    parser.add_argument("--rounds", type=int, help=f"rounds of each comparison ({ROUNDS})")
    parser.add_argument("--seconds", type=int, help=f"seconds of each load ({SECONDS})")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--no-install", action="store_true", help="leave out peers that are not installed yet")
    parser.add_argument("--tools", type=Path, default=ROOT / ".tools", help="where peers are installed (.tools)")
    parser.add_argument("--beside", default="", help="of isolation, only the heavy requests with this in their name")
    parser.add_argument("--engine", choices=ENGINES, default="lmdb", help="whose comparisons (lmdb)")
    parser.add_argument("--cassandra", help="hosts of a cluster to measure on, instead of a new one on this machine")
    parser.add_argument("--datacenter", default="dc1", help="of those hosts (dc1)")
    chosen = parser.parse_args(words)
    known = ENGINES[chosen.engine]
    chosen.only = chosen.only.split(",") if chosen.only else list(known)
    unknown = [name for name in chosen.only if name not in known]
    if unknown:
        parser.error(f"no comparison is called {unknown[0]}; there are {', '.join(known)}")
    return chosen


def options(chosen: argparse.Namespace, work: Path) -> Options:
    """How much is measured."""
    items, fill_seconds = 1_000_000, 600
    if chosen.quick:
        items, fill_seconds = 100_000, 60
    elif chosen.full:
        items, fill_seconds = 10_000_000, 7200
    return Options(
        rounds=chosen.rounds or (1 if chosen.quick else ROUNDS[chosen.engine]),
        seconds=chosen.seconds or (2 if chosen.quick else SECONDS[chosen.engine]),
        tools=chosen.tools.resolve(),
        work=work,
        install=not chosen.no_install,
        large_items=items,
        fill_seconds_max=fill_seconds,
        hosts=tuple(chosen.cassandra.split(",")) if chosen.cassandra else (),
        datacenter=chosen.datacenter,
        beside=chosen.beside,
    )


def find_wrk() -> None:
    """Have wrk, from the distribution's package where we may install one; else end with a sentence."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        command = ["apt-get", "install", "-y", "wrk"]
        subprocess.run(command, stdout=subprocess.DEVNULL, timeout=WRK_INSTALL_SECONDS_MAX, check=False)
    if shutil.which("wrk") is None:
        sys.exit("the benchmark needs wrk: install it, on Debian by `apt-get install wrk`")


def made(now: datetime, load: float) -> str:
    """When, on what and with which versions the figures were taken; `load` is the load average just before."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory_kib = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in MEASURED)
    return (
        f"Taken on {now:%Y-%m-%d} with {os.cpu_count()} cores of {model}, {memory_kib / 1024 / 1024:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {versions}. "
        f"The load average before was {load:.1f}; on a quiet machine it is near 0."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # unwinds, so that every server is ended


def main() -> int:
    """Measure, print, and with --write keep the page. The exit code is 0 unless nothing could be measured."""
    chosen = arguments()
    find_wrk()
    signal.signal(signal.SIGTERM, _end)
    chosen.tools.mkdir(parents=True, exist_ok=True)
    began, load = time.monotonic(), os.getloadavg()[0]
    lines: list[Line] = []
    # Beside the tools, since a temporary directory is often memory, and these servers are measured on a disk.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.tools) as work:
        bench = Bench(options(chosen, Path(work)), lambda text: print(f"  {text}", file=sys.stderr, flush=True))
        for name in chosen.only:
            lines.extend(ENGINES[chosen.engine][name](bench))
        rounds, seconds = bench.options.rounds, bench.options.seconds
    print(report.plain(lines))
    how = made(datetime.now(UTC), load)
    print(f"\nRounds: {rounds}, {seconds} s a load, {time.monotonic() - began:.0f} s in all. {how}")
    if chosen.write:
        command = " ".join(["python bench/run.py", *sys.argv[1:]])
        PAGE.parent.mkdir(exist_ok=True)
        before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        write = report.cluster_page if chosen.engine == "cassandra" else report.page
        PAGE.write_text(write(before, lines, how, command, rounds, seconds), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0 if any(line.value is not None for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
