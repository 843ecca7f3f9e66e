"""The table, for a terminal and as the results page."""

from collections.abc import Sequence

from figures import Line

HEADER = ("compared with", "case", "server", "result", "p50 ms", "p99 ms", "ratio", "target", "")
RIGHT = (3, 4, 5, 6)  # columns of figures

ABOUT = """# Benchmarks

{made}

Made by `{command}` and written by that program alone; make a new page with it rather than edit this one. All servers
ran on this one machine, as did the load, so a rate here is lower than on a machine of its own; the ratios are what to
look at.

How to read it:

- Servers of one comparison run side by side and are loaded in turns, {seconds} s each; rounds: {rounds}, after one
  round of warming up. A rate or latency is the median of the rounds; a ratio is the median of the rounds' ratios, so
  that noise which slows a whole round drops out.
- The load is `wrk -t1 -c16` (`-t2 -c64` for the comparison of workers) over requests signed beforehand, with keys drawn
  evenly.
- StatorDB runs with `--auth iam`: every signature is checked. Throughput is not limited. It answers a write after its
  fsync, except with `--memory`. The peers take any signature, and run with their defaults; on disk they do not all wait
  for the disk before they answer.
- The floor, `bench/floor.py`, is the least work that a Python server on one core can do for a signed GetItem or
  PutItem. UpdateItem is set against its PutItem, Query against its GetItem.
- A peer's ratio is StatorDB's rate over the peer's.
- workers: the load has the same cores as the workers, and what it takes of them no worker has. "At most" is the rate
  at which both would keep all cores busy, by the processor time of each request in the server and in wrk; beside the
  rate of one worker, it is the most that several can come to on this machine.
- breadth: sixteen kinds of requests in memory, each at `wrk -t1 -c16` as above.
- statements: processor time of PartiQL statements and of the native operations that do the same, in turns within one
  process, without wire and disk. The ratio is that of the costs: the lower, the better.
- permissions: GetItem of an item of 900 characters by users whose policy allows it, and by the account's root, on one
  worker in memory: the server's processor time for a request. The ratio is that of the costs: the lower, the better.
- sealed: processor time of a request on one worker in memory, beside the same server with rows that are not sealed,
  which the product itself can't have (`bench/unsealed.py`). The ratio is the cost without sealing over that with it.
- audit: processor time of a request on one worker in memory that keeps an audit log, without and with data events,
  beside one that keeps none. The ratio is the cost without the log over that with it.
- isolation: four light clients (two of GetItem, two of PutItem, each 100 requests a second, paced by the clock, so that
  a late answer counts from when its request was due) beside two connections that repeat one heavy request. The result
  is the light requests' p99. Where the machine itself is noisy, the goal is 2.5 times what it is with nothing beside.
- streams: PutItem of 1 KB on tables with a stream beside one without, on one worker; each put changes its item, since
  one that does not is not in the stream.
- drain: one connection reads a filled stream from its start, 1,000 records a GetRecords, by requests signed by hand;
  it counts the records and does no more with them. It and the one worker take turns, so together they use one core.
- triggers: puts at a steady rate to a table whose stream feeds a Python function. Lag is from when a put's answer was
  read to when the handler began with its record.

{table}
"""

CLUSTER_HEADING = "\n## On a Cassandra cluster\n"

ABOUT_CLUSTER = """
{made}

Made by `{command}`, on a cluster of three nodes with three copies and `commitlog_sync: batch`, all on this one machine
with the servers and the load. On nodes of their own all rates are higher; the ratios, and the processor time of each
request, are what to look at.

How to read it:

- The loads take turns, {seconds} s each; rounds: {rounds}, after one longer round of warming up. Medians and ratios are
  made as above.
- The bare driver is acsylla with 16 requests in flight, each to any node that has the row, as is its default, on a
  table of one key, a version and a body of 1 KB: what the same cluster does with nothing in front of it. A consistent
  GetItem is set against its read, a PutItem against its conditional update of one row.
- StatorDB has one worker a server, and checks every signature. The load is two of
  `wrk -t1 -c8`, both of one server, or one of each of two: what a second server changes is then the server alone.
- Each put changes its item. Only what is said to have a stream has one; there are no indexes.
- CPU us each: microseconds of processor time per request, of all nodes together, and of all servers together.

{table}
"""


def cells(line: Line) -> tuple[str, ...]:
    """A line as text, one cell a column."""
    holds = {True: "met", False: "not met", None: ""}[line.holds]
    remark = ", ".join(part for part in (holds, line.note) if part)
    ratio = "" if line.ratio is None else f"{line.ratio:.2f} {line.against}"
    return (
        line.group,
        line.case,
        line.server,
        "" if line.value is None else f"{_number(line.value)} {line.unit}",
        "" if line.p50_ms is None else f"{line.p50_ms:.2f}",
        "" if line.p99_ms is None else f"{line.p99_ms:.2f}",
        ratio,
        _target(line),
        remark,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _target(line: Line) -> str:
    if line.target is None:
        return ""
    unit = "" if line.target.of == "ratio" else f" {line.unit}"
    return f"{'at most' if line.target.at_most else 'at least'} {line.target.limit:g}{unit}"


def plain(lines: Sequence[Line]) -> str:
    """The table in columns, with a rule between comparisons."""
    rows = [HEADER, *map(cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    out: list[str] = []
    group = HEADER[0]
    for row in rows:
        if row[0] != group:
            out.append(rule)
            group = row[0]
        aligned = [
            cell.rjust(width) if column in RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out.append("  ".join(aligned).rstrip())
    return "\n".join(out)


def markdown(lines: Sequence[Line]) -> str:
    """The table in Markdown."""
    rules = ["---:" if column in RIGHT else "---" for column in range(len(HEADER))]
    rows = [HEADER, tuple(rules), *map(cells, lines)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def page(before: str, lines: Sequence[Line], made: str, command: str, rounds: int, seconds: int) -> str:
    """The results page, with the section on clusters as it was in the page before."""
    _, heading, section = before.partition(CLUSTER_HEADING)
    table = markdown(lines)
    return ABOUT.format(made=made, command=command, rounds=rounds, seconds=seconds, table=table) + heading + section


def cluster_page(before: str, lines: Sequence[Line], made: str, command: str, rounds: int, seconds: int) -> str:
    """The results page as it was before, with a new section on clusters."""
    above = before.partition(CLUSTER_HEADING)[0]
    table = markdown(lines)
    section = ABOUT_CLUSTER.format(made=made, command=command, rounds=rounds, seconds=seconds, table=table)
    return above + CLUSTER_HEADING + section
