"""How the text of a setting becomes its value. Each parser raises ValueError with the end of a sentence."""

import ipaddress
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from statordb.launcher.users import RESERVED, Users

SECONDS_MAX = 24 * 3600.0
CASSANDRA_PORT = 9042
USER_MIN, USER_MAX = 1000, 4_294_967_293  # users of people and programs; not those of the system itself
ENDPOINTS_MAX = 64
BACKUP_SCHEDULES_MAX = 64
KEEP_DAYS_MAX = 36_500
NAMES_MAX = 16


class Hosts(NamedTuple):
    """Nodes of a cluster, by name or address, that all listen on one port."""

    names: tuple[str, ...]
    port: int


NO_HOSTS = Hosts((), CASSANDRA_PORT)


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")
    return value


def filled(value: object) -> str:
    given = text(value)
    if not given:
        raise ValueError("is empty")
    return given


def path(value: object) -> Path:
    return Path(filled(value))


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def flag_or(*words: str) -> Callable[[object], str]:
    """One of the words, or a flag, which becomes "on" or "off"."""

    def parse(value: object) -> str:
        if value in words:
            return str(value)
        try:
            return "on" if flag(value) else "off"
        except ValueError:
            raise ValueError("is not one of on, off, " + ", ".join(words)) from None

    return parse


def whole(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise ValueError(f"is not a whole number from {low} to {high}")
        number = int(str(value))
        if not low <= number <= high:
            raise ValueError(f"is not from {low} to {high}")
        return number

    return parse


def whole_or(word: str, meaning: int, low: int, high: int) -> Callable[[object], int]:
    """A whole number, or a word, which becomes a number beyond them."""
    number = whole(low, high)
    return lambda value: meaning if value == word else number(value)


def seconds(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError("is not a number of seconds")
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not 0 <= number <= SECONDS_MAX:
        raise ValueError(f"is not from 0 to {SECONDS_MAX:.0f} seconds")
    return number


def one_of(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in words:
            raise ValueError("is not one of " + ", ".join(words))
        return str(value)

    return parse


def number_of(*numbers: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or str(value) not in map(str, numbers):
            raise ValueError("is not one of " + ", ".join(map(str, numbers)))
        return int(str(value))

    return parse


def url(value: object) -> str:
    address = text(value).rstrip("/")
    if address and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", address):
        raise ValueError("is not an http:// or https:// address")
    return address


def matching(pattern: str, what: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        given = text(value)
        if not re.fullmatch(pattern, given):
            raise ValueError(f"is not {what}")
        return given

    return parse


def _parts(value: object) -> list[str]:
    """A list, or text with commas."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
        raise ValueError("is neither text nor a list of texts")
    return [part.strip() for part in given if part.strip()]


def names(pattern: str, what: str) -> Callable[[object], tuple[str, ...]]:
    """NAME,... or a list, each of the pattern."""

    def parse(value: object) -> tuple[str, ...]:
        found = _parts(value)
        if len(found) > NAMES_MAX or not all(re.fullmatch(pattern, name, re.ASCII) for name in found):
            raise ValueError(f"is not {what}, at most {NAMES_MAX}")
        return tuple(found)

    return parse


def command(value: object) -> tuple[str, ...]:
    """A program by its absolute path, and arguments: a list, or text as a shell would split it."""
    try:
        found = shlex.split(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("has a quote that does not end") from None
    if not isinstance(found, list) or not all(isinstance(word, str) and "\0" not in word for word in found):
        raise ValueError("is neither text nor a list of texts")
    if found and not found[0].startswith("/"):
        raise ValueError("does not begin with the absolute path of a program")
    return tuple(found)


def origins(value: object) -> tuple[str, ...]:
    """SCHEME://HOST[:PORT],... as browsers write them, or *."""
    found = _parts(value)
    for part in found:
        if part != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+", part):
            raise ValueError("is not *, nor SCHEME://HOST[:PORT],... without anything behind")
    return tuple(found)


class VpcEndpoint(NamedTuple):
    """A listener that stands for a VPC endpoint. `host` is empty where it is the server's own; `policy` None: all may
    be done through it."""

    id: str
    vpc: str
    port: int
    host: str = ""
    policy: Path | None = None


def endpoints(value: object) -> tuple[VpcEndpoint, ...]:
    """A list of tables, or the same as JSON."""
    found = tuple(_endpoint(entry) for entry in _tables(value, ENDPOINTS_MAX, "endpoints"))
    if len({entry.id for entry in found}) != len(found):
        raise ValueError("has an id twice")
    return found


def _tables(value: object, most: int, what: str) -> list[object]:
    """Tables of the file, or a JSON list."""
    try:
        given = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("is not JSON") from None
    if not isinstance(given, list) or len(given) > most:
        raise ValueError(f"is not a list of at most {most} {what}")
    return given


def _endpoint(entry: object) -> VpcEndpoint:
    if not isinstance(entry, dict) or not {"id", "vpc", "port"} <= entry.keys() <= set(VpcEndpoint._fields):
        raise ValueError("has an endpoint without id, vpc or port, or with more than these, host and policy")
    try:
        return VpcEndpoint(
            matching(r"vpce-[0-9a-z]{1,32}", "vpce-...")(entry["id"]),
            matching(r"vpc-[0-9a-z]{1,32}", "vpc-...")(entry["vpc"]),
            whole(0, 65535)(entry["port"]),
            filled(entry["host"]) if "host" in entry else "",
            path(entry["policy"]) if "policy" in entry else None,
        )
    except ValueError as error:
        raise ValueError(f"has an endpoint of which a value {error}") from None


class ScheduledBackups(NamedTuple):
    """Backups of tables that are made by themselves. `schedule`: a cron or rate expression; `tables`: patterns of their
    names, with `*` for anything; `keep_days`: 0: until somebody deletes them; `timezone`: of cron, empty: UTC."""

    name: str
    schedule: str
    tables: tuple[str, ...] = ("*",)
    keep_days: int = 0
    timezone: str = ""


def scheduled_backups(value: object) -> tuple[ScheduledBackups, ...]:
    """A list of tables, or the same as JSON."""
    found = tuple(_scheduled(entry) for entry in _tables(value, BACKUP_SCHEDULES_MAX, "schedules"))
    if len({entry.name for entry in found}) != len(found):
        raise ValueError("has a name twice")
    return found


def _scheduled(entry: object) -> ScheduledBackups:
    if not isinstance(entry, dict) or not {"name", "schedule"} <= entry.keys() <= set(ScheduledBackups._fields):
        raise ValueError("has a schedule without name or schedule, or with more than tables, keep_days and timezone")
    try:
        found = ScheduledBackups(
            matching(r"[A-Za-z0-9_.-]{1,200}", "a name of letters, digits, _ . -")(entry["name"]),
            filled(entry["schedule"]),
            _patterns(entry.get("tables", "*")),
            whole(0, KEEP_DAYS_MAX)(entry.get("keep_days", 0)),
            text(entry.get("timezone", "")),
        )
    except ValueError as error:
        raise ValueError(f"has a schedule of which a value {error}") from None
    from statordb.store.scaling.schedules import BadSchedule, parse  # few servers have any

    try:
        parse(found.schedule, found.timezone or None)
    except BadSchedule as fault:
        raise ValueError(f"is wrong: {fault}") from None
    return found


def _patterns(value: object) -> tuple[str, ...]:
    found = tuple(_parts(value))
    if not found:
        raise ValueError("names no tables")
    return found


def networks(value: object) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """ADDRESS[/BITS],..."""
    try:
        return tuple(ipaddress.ip_network(part) for part in _parts(value))
    except ValueError:
        raise ValueError("is not ADDRESS[/BITS],...") from None


def host_names(value: object) -> tuple[str, ...]:
    """NAME,... without ports."""
    found = _parts(value)
    for part in found:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", part):
            raise ValueError("is not NAME,... without ports")
    return tuple(found)


def users(value: object) -> Users | None:
    """FIRST-LAST, numbers of users of the system."""
    given = text(value)
    if not given:
        return None
    found = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", given)
    if found is None or not USER_MIN <= int(found[1]) <= int(found[2]) - RESERVED <= USER_MAX - RESERVED:
        raise ValueError(f"is not FIRST-LAST, two numbers from {USER_MIN} to {USER_MAX}, {RESERVED + 1} users or more")
    return Users(int(found[1]), int(found[2]))


def destinations(value: object) -> tuple[str, ...]:
    """Entries of outbound.permissions: a list, or text with commas between them."""
    from statordb.outbound.permissions import Permissions  # few servers name any

    given = value if isinstance(value, list) else text(value).split(",")
    entries = tuple(text(entry).strip() for entry in given if text(entry).strip())
    Permissions(entries)
    return entries


def objects_place(value: object) -> str:
    """What `objects.place` takes, or nothing."""
    given = text(value)
    if given:
        from statordb.objects.place import place_of  # few servers name one

        place_of(given)
    return given


def endpoint(value: object) -> str:
    """host:port, a host, or an http:// or https:// address of nothing more; without a slash behind."""
    address = text(value).rstrip("/")
    if address and not re.fullmatch(r"(https?://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", address):
        raise ValueError("is not HOST:PORT, nor an http:// or https:// address")
    return address


def hosts(value: object) -> Hosts:
    """HOST[:PORT],... with the same port for all; IPv6 addresses with a port in brackets."""
    given = text(value)
    if not given:
        return NO_HOSTS
    pairs = [_host(part.strip()) for part in given.split(",")]
    ports = {port for _, port in pairs}
    if len(ports) != 1:
        raise ValueError("names more than one port, and all nodes must have the same")
    return Hosts(tuple(dict.fromkeys(name for name, _ in pairs)), ports.pop())


def _host(part: str) -> tuple[str, int]:
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", part)
    if found is None:
        if re.fullmatch(r"[0-9A-Fa-f:.]+", part):  # an IPv6 address without a port
            return part, CASSANDRA_PORT
        raise ValueError("is not HOST[:PORT],...")
    name, port = found[1] or found[3], int(found[2] or found[4] or CASSANDRA_PORT)
    if not 0 < port < 65536:
        raise ValueError("names a port that is not from 1 to 65535")
    return name, port
