"""What a server can be told, and from where: command line > environment > file > default.

Plain dataclass and tomllib: they cost nothing at start, where every millisecond counts towards the first answer.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKERS_MAX = 256
STREAM_SHARDS_MAX = 64
ENVIRONMENT_PREFIX = "STATORDB_"
STREAM_SHARD_SECONDS_MIN = 1.0
SECONDS_MAX = 24 * 3600.0
EXIT_BAD_START = 2


class BadStart(Exception):
    """The server can't start; args[0] is one sentence for people."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")
    return value


def _filled(value: object) -> str:
    text = _text(value)
    if not text:
        raise ValueError("is empty")
    return text


def _path(value: object) -> Path:
    return Path(_filled(value))


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def _whole(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise ValueError(f"is not a whole number from {low} to {high}")
        number = int(str(value))
        if not low <= number <= high:
            raise ValueError(f"is not from {low} to {high}")
        return number

    return parse


def _seconds(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError("is not a number of seconds")
    try:
        seconds = float(str(value))
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not 0 <= seconds <= SECONDS_MAX:
        raise ValueError(f"is not from 0 to {SECONDS_MAX:.0f} seconds")
    return seconds


def _one_of(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in words:
            raise ValueError("is not one of " + ", ".join(words))
        return str(value)

    return parse


def _url(value: object) -> str:
    text = _text(value).rstrip("/")
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("is not an http:// or https:// address")
    return text


def _matching(pattern: str, what: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value)
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {what}")
        return text

    return parse


parse_account = _matching(r"[0-9]{12}", "an account of 12 digits")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server can be told. Times are in seconds; a port of 0 means a free one."""

    host: str = "127.0.0.1"
    port: int = 8000
    data: Path = Path("statordb-data")
    memory: bool = False
    workers: int = 0  # 0: as many as there are cores
    auth: str = "open"
    account: str = "000000000000"  # whose tables open authentication, and the root credential, work on
    root_access_key_id: str = ""  # a credential that exists without being stored
    root_secret_access_key: str = field(default="", repr=False)
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None  # None: 9600, or a free one where that is taken
    log_format: str = "auto"
    log_level: str = "info"
    table_delay_seconds: float = 0.0  # how long a table stays CREATING, UPDATING or DELETING
    stream_shards: int = 1  # how many open shards a stream has
    stream_shard_seconds: float = 14400.0  # how long a shard stays open
    functions: bool = True  # whether Lambda's API is there, and functions are run
    kinesis_endpoint: str = ""  # where changes go that tables send to Kinesis data streams
    sqs_endpoint: str = ""  # where records go that functions failed on, and that are to be sent to a queue
    sns_endpoint: str = ""  # the same, to a topic
    shutdown_seconds: float = 10.0  # how long requests in flight may take once the server is told to end
    idle_seconds: float = 120.0  # how long a connection may wait for its next request
    request_seconds: float = 30.0  # how long a request may take to arrive

    @property
    def worker_count(self) -> int:
        return self.workers or cores()


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return min(WORKERS_MAX, len(os.sched_getaffinity(0)))
    return min(WORKERS_MAX, os.cpu_count() or 1)


PARSERS: dict[str, Callable[[object], object]] = {
    "host": _filled,
    "port": _whole(0, 65535),
    "data": _path,
    "memory": _flag,
    "workers": _whole(1, WORKERS_MAX),
    "auth": _one_of("open", "iam"),
    "account": parse_account,
    "root_access_key_id": _matching(r"[A-Za-z0-9_]{1,128}", "1 to 128 letters, digits and underscores"),
    "root_secret_access_key": _matching(r"[!-~]{8,256}", "8 to 256 visible characters"),
    "admin_host": _filled,
    "admin_port": _whole(0, 65535),
    "log_format": _one_of("auto", "json", "text"),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "table_delay_seconds": _seconds,
    "stream_shards": _whole(1, STREAM_SHARDS_MAX),
    "stream_shard_seconds": _seconds,
    "functions": _flag,
    "kinesis_endpoint": _url,
    "sqs_endpoint": _url,
    "sns_endpoint": _url,
    "shutdown_seconds": _seconds,
    "idle_seconds": _seconds,
    "request_seconds": _seconds,
}
NEVER_SHOWN = "root_secret_access_key"


def load(arguments: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """Settings from all sources. `arguments`: the options given on the command line, by setting name, and `config`.

    Raises BadStart with a sentence that names the setting and its source.
    """
    config = arguments.get("config") or environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    names = {ENVIRONMENT_PREFIX + name.upper(): name for name in PARSERS}
    sources = (
        _read_file(Path(str(config))) if config else {},
        {name: (environment[key], key) for key, name in names.items() if key in environment},
        {name: (value, "--" + name.replace("_", "-")) for name, value in arguments.items() if name in PARSERS},
    )
    values: dict[str, Any] = {}
    for source in sources:
        parsed = {name: _parse(name, value, where) for name, (value, where) in source.items()}
        if parsed.get("memory") and "data" in parsed:
            raise BadStart("A data directory and memory can't be used together (--data with --memory).")
        if "data" in parsed:
            values["memory"] = False
        values.update(parsed)
    return _checked(Settings(**values))


def _read_file(path: Path) -> dict[str, tuple[object, str]]:
    import tomllib  # few servers have a file

    try:
        with path.open("rb") as file:
            entries = tomllib.load(file)
    except OSError as error:
        raise BadStart(f"The configuration file {path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadStart(f"The configuration file {path} is not TOML: {error}.") from None
    for key in entries:
        if key not in PARSERS:
            raise BadStart(f"The configuration file {path} has an unknown key: {key}.")
    return {name: (value, f"{name} in {path}") for name, value in entries.items()}


def _parse(name: str, value: object, where: str) -> object:
    try:
        return PARSERS[name](value)
    except ValueError as error:
        shown = "" if name == NEVER_SHOWN else f" {str(value)!r}"
        raise BadStart(f"The value{shown} of {where} {error}.") from None


def _checked(settings: Settings) -> Settings:
    """Rules over several settings."""
    if bool(settings.root_access_key_id) != bool(settings.root_secret_access_key):
        raise BadStart("root_access_key_id and root_secret_access_key must be set together.")
    if settings.stream_shard_seconds < STREAM_SHARD_SECONDS_MIN:
        raise BadStart(f"stream_shard_seconds can't be below {STREAM_SHARD_SECONDS_MIN:g}.")
    if settings.auth == "open" and not is_loopback(settings.host):
        raise BadStart(
            f"Listening on {settings.host} lets other machines in, and --auth open would let in anyone there: "
            "use --auth iam, or a loopback address."
        )
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name counts by all of its addresses."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise BadStart(f"The host name {host} has no address.") from None
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)
