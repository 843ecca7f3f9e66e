"""Where everything lies: the reserved spaces, and how key values become ordered bytes."""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from enum import IntEnum
from hashlib import blake2b

from statordb.engine.contract import Bounds
from statordb.model import numbers
from statordb.model.schema import KeyAttribute
from statordb.model.values import Item


class Space(IntEnum):
    """Reserved spaces of the store. Values outlive releases: never change or reuse one."""

    CATALOG = 1  # account/region -> table name -> table record
    CREDENTIALS = 2  # access key id -> sealed credential
    TOKENS = 3  # account/region/client request token -> idempotency record
    LEASES = 4  # keeper duty -> holder
    STREAMS = 5  # account/region -> table name, label -> stream record
    FUNCTIONS = 6  # account/region -> function name -> function record; ids of deployment packages
    FUNCTION_CODE = 7  # id of a deployment package -> chunks of its zip file
    MAPPINGS = 8  # account/region -> uuid -> event source mapping record
    CHECKPOINTS = 9  # uuid of an event source mapping -> shard -> how far its records were processed
    INVOCATIONS = 10  # account/region/function -> asynchronous invocations that wait
    SEAL = 11  # a note sealed with the master keys that all servers of the store must have
    FORMATS = 12  # the format of the records
    CONDEMNED = 13  # spaces that no record may come to name any more
    LOGS = 14  # account/region -> table name, space -> log record
    HOLDS = 15  # space of a log -> reader, shard -> up to where it was read
    IDENTITIES = 16  # account -> sort, name -> records of users, groups, roles, policies; and what goes with them
    KMS = 17  # keys, aliases and grants of KMS
    LEDGER = 18  # subject -> time, length, process -> what was counted
    LEDGER_SUBJECTS = 19  # account, region -> kind, name and id of subjects; the accounts and regions
    LEDGER_CAPACITY = 20  # subject -> time -> the capacity of a table from then on
    BACKUPS = 21  # account/region -> id -> backup record; their parts; which are not whole, or to go
    ARCHIVE = 22  # track -> its record, segments, bases and their parts; which tracks there are; marks in a log
    ALARMS = 24  # account/region -> name -> alarm record
    ALARM_HISTORY = 25  # account/region -> time, digest -> what became of an alarm
    SCALING = 26  # account/region -> resource, dimension -> scalable target; their ids
    SCALING_ACTIVITIES = 27  # account/region -> time, id -> what scaling did
    SHARES = 28  # servers -> name of a server -> what it spends of the throughput of tables
    INSIGHTS = 29  # table -> time, process -> which keys were used; the tables
    JOBS = 30  # sort of jobs, account/region -> id -> job record; their client tokens; which are under way


_ENCODERS: dict[str, Callable[[str], bytes]] = {"S": str.encode, "N": numbers.key_bytes, "B": b64decode}


def _number(text: str) -> bytes:
    return numbers.key_bytes(numbers.normalize(text))


def encoder(type: str) -> Callable[[str], bytes]:
    """From a key value's content, perhaps not yet normalised, to its bytes; raises ValidationException for a bad
    number."""
    return _number if type == "N" else _ENCODERS[type]


DIGEST_BYTES = 16
_ZEROS = re.compile(rb"\0+")
_RUN_MAX = 126
_RUN_GOES_ON = 127


def raw(attribute: KeyAttribute, item: Item) -> bytes:
    """Order-preserving bytes of one key value; not self-delimiting for strings and binaries."""
    return _ENCODERS[attribute.type](item[attribute.name][attribute.type])


def delimit(value: bytes) -> bytes:
    """Self-delimiting, order-preserving form of any bytes; at most 1.5 times as long, and two more.

    Zeros are written by runs: 0, then a code that sorts a run at the end of the value (its length) below one that
    goes on beyond _RUN_MAX, and that below one that something else follows (255 - length). A run of none, at the end,
    ends the value.
    """
    if b"\0" not in value:
        return value + b"\0\0"

    def code(match: re.Match[bytes]) -> bytes:
        length = match.end() - match.start()
        goes_on, rest = divmod(length - 1, _RUN_MAX)
        rest += 1
        last = rest if match.end() == len(value) else 255 - rest
        return bytes((0, _RUN_GOES_ON)) * goes_on + bytes((0, last))

    coded = _ZEROS.sub(code, value)
    return coded if value.endswith(b"\0") else coded + b"\0\0"


def part(attribute: KeyAttribute, item: Item) -> bytes:
    """Self-delimiting, order-preserving bytes of one key value (number keys are so by themselves)."""
    value = raw(attribute, item)
    return value if attribute.type == "N" else delimit(value)


def partition_bytes(attributes: Sequence[KeyAttribute], item: Item) -> bytes:
    """Canonical bytes of a partition key of one or several attributes."""
    if len(attributes) == 1:
        return raw(attributes[0], item)
    return b"".join(part(attribute, item) for attribute in attributes)


def digest(partition: bytes, sort: bytes) -> bytes:
    """What tells index entries of equal index keys apart: a digest of the base key."""
    return blake2b(len(partition).to_bytes(2, "big") + partition + sort, digest_size=DIGEST_BYTES).digest()


def prefix_end(prefix: bytes) -> bytes | None:
    """The lowest bytes above everything that begins with the prefix; None if there are none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None


def table_bounds(attribute: KeyAttribute, operator: str, operands: Sequence[dict[str, str]]) -> Bounds:
    """Bounds of a table's raw sort key for one condition of a key condition expression."""
    return value_bounds(operator, [_ENCODERS[attribute.type](operand[attribute.type]) for operand in operands])


def value_bounds(operator: str, values: Sequence[bytes]) -> Bounds:
    """The same where the bytes of the operands are known."""
    if operator == "BEGINS_WITH":
        return Bounds(values[0], prefix_end(values[0]))
    return _bounds(operator, values, lambda value: value + b"\0")


def index_bounds(
    equal: bytes, attribute: KeyAttribute | None, operator: str, operands: Sequence[dict[str, str]]
) -> Bounds:
    """Bounds of an index's entries: `equal` are the parts with one value each, then one condition on the next
    attribute."""
    if attribute is None:
        return Bounds(equal, prefix_end(equal) if equal else None)
    values = [_ENCODERS[attribute.type](operand[attribute.type]) for operand in operands]
    if operator == "BEGINS_WITH":
        end = prefix_end(values[0])
        return Bounds(equal + delimit(values[0]), prefix_end(equal) if end is None else equal + delimit(end))
    parts = [equal + (value if attribute.type == "N" else delimit(value)) for value in values]
    bounds = _bounds(operator, parts, prefix_end)
    if equal and operator in ("LT", "LE"):
        return Bounds(equal, bounds.upper)
    if equal and operator in ("GT", "GE"):
        return Bounds(bounds.lower, prefix_end(equal))
    return bounds


def _bounds(operator: str, values: Sequence[bytes], behind: Callable[[bytes], bytes | None]) -> Bounds:
    """`behind` gives the lowest bytes above all rows of a value."""
    first = values[0]
    if operator == "EQ":
        return Bounds(first, behind(first))
    if operator == "LT":
        return Bounds(b"", first)
    if operator == "LE":
        return Bounds(b"", behind(first))
    if operator == "GT":
        return Bounds(behind(first) or b"", None)
    if operator == "GE":
        return Bounds(first, None)
    return Bounds(first, behind(values[1]))  # BETWEEN
