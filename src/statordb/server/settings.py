"""What a server can be told, and from where: command line > environment > file > default.

Plain dataclass and tomllib: they cost nothing at start, where every millisecond counts towards the first answer.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from statordb.launcher.users import Users
from statordb.model.limits import CONTROL_OPERATIONS_MAX, TABLES_MAX
from statordb.model.quotas import Quotas
from statordb.server.setting_parsers import AUTO, PARSERS, WORKERS_MAX
from statordb.server.setting_values import NO_HOSTS, Hosts, ScheduledBackups, VpcEndpoint

CORES_PER_LANE = 4
ENVIRONMENT_PREFIX = "STATORDB_"
NO_SETTINGS_PREFIX = "STATORDB_TEST_"  # what is told to this project's tests
NEARNESS_MIN = 0.75  # of a mistyped name to the one that is meant: difflib's ratio
# What Kubernetes puts into every container's environment of a service of this name (its documentation, "Discovering
# services"): one of them has the name of a setting.
_ADDRESS_OF_A_SERVICE = re.compile(r"(tcp|udp|sctp)://.*")
STREAM_SHARD_SECONDS_MIN = 1.0
ARCHIVE_SECONDS_MIN, ARCHIVE_SECONDS_MAX = 0.5, 60.0
EXIT_BAD_START = 2


class BadStart(Exception):
    """The server can't start; args[0] is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server can be told. Times are in seconds; a port of 0 means a free one."""

    user: str = ""  # whom the server becomes where root starts it
    host: str = "127.0.0.1"
    port: int = 8000
    data: Path = Path("statordb-data")
    memory: bool = False
    objects: str = ""  # where backups and buckets are: a directory or s3://...; empty: in the data directory
    objects_credentials: Path | None = None  # a file with those for S3; None: where the AWS SDKs look
    archive: str = "auto"  # whether the whole store is kept in objects all the time
    archive_seconds: float = 10.0  # how far behind the archive is at most, while all is well
    key_directory: Path | None = None  # where the root keys are; None: in the data directory
    root_key: str = "file"  # who wraps the store's keys
    root_key_command: tuple[str, ...] = ()  # a program by its path, and arguments
    vault_address: str = ""
    vault_mount: str = "transit"  # where the secrets engine transit is
    vault_keys: tuple[str, ...] = ()  # the first wraps, all unwrap
    vault_token_file: Path | None = None
    vault_namespace: str = ""
    vault_ca: Path | None = None  # who signed Vault's certificate; None: whom the system trusts
    root_kms_keys: tuple[str, ...] = ()  # the first wraps, all unwrap
    root_kms_region: str = ""
    root_kms_endpoint: str = ""  # where KMS is; empty: AWS's own
    engine: str = "lmdb"
    cassandra: Hosts = NO_HOSTS  # some nodes of the cluster; they tell of the others
    datacenter: str = ""  # whose nodes are asked
    rack: str = ""  # of that datacenter: whose nodes are asked first; empty: each process chooses one
    keyspace: str = "statordb"
    cassandra_username: str = ""
    cassandra_password: str = field(default="", repr=False)
    cassandra_ca: Path | None = None  # who signed the nodes' certificates; None: no TLS
    cassandra_certificate: Path | None = None  # of this server's own, where the nodes want one
    cassandra_key: Path | None = None
    table_pool: int = 4  # how many empty tables are kept ready in the cluster
    endpoint: str = ""  # where clients are told to find the server; empty: host and port
    workers: int = 0  # 0: as many as there are cores; AUTO: as many as the load wants, up to that
    lanes: int | None = None  # processes for what would hold up others; None: one for four cores; 0: none
    auth: str = "open"
    tls: str = "off"
    tls_certificate: Path | None = None  # of this server, with those between it and its authority
    tls_key: Path | None = None
    tls_client_ca: Path | None = None  # who signed the certificates of clients; None: they need none
    behind_proxy: bool = False  # whether something in front of the server speaks TLS
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # who tells whose connections it passes on (PROXY protocol)
    backups: tuple[ScheduledBackups, ...] = ()  # when tables are backed up by themselves
    endpoints: tuple[VpcEndpoint, ...] = ()  # listeners beside the server's own
    anyone_may_read_and_delete_everything: bool = False  # whether an open server may be reached by other machines
    presigned_requests: bool = True  # whether requests may be signed in their address
    allowed_origins: tuple[str, ...] = ()  # of web pages beside those of this machine; "*": all
    allowed_hosts: tuple[str, ...] = ()  # names that requests may be for beside those of this machine
    shared_db: bool = False  # whether all keys and regions see the same tables
    account: str = "000000000000"  # whose tables open authentication, and the root credential, work on
    root_access_key_id: str = ""  # a credential that exists without being stored
    root_secret_access_key: str = field(default="", repr=False)
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None  # None: 9600, or a free one where that is taken
    console: bool = True  # whether there is a web console
    console_port: int | None = None  # None: 8001, or a free one where that is taken
    prices: Path | None = None  # the price sheet of bills; None: the one that comes with the server
    audit_directory: Path | None = None  # where the audit log is; None: there is none
    audit_data_events: bool = False  # whether reads and writes of items are in it
    audit_required: bool = False  # whether nothing is done that can't be told of
    log_format: str = "auto"
    log_level: str = "info"
    request_log: bool = False  # whether each request is logged
    debuggable: bool = False  # whether other processes of the server's user may look into its memory
    health_status: int = 200  # of the answer to GET /
    throttle: bool | None = None  # whether throughput is limited as records of tables say; None: by `auth`
    tables_max: int | None = None  # of an account in a region; 0: any number; None: AWS's quota if `throttle` is on
    control_operations_max: int | None = None  # tables that are created, updated or deleted at a time; likewise
    scaling_minute_seconds: int = 60  # how long a minute of scaling takes
    metering_minute_seconds: int = 60  # how long a minute of what is counted takes
    table_delay_seconds: float = 0.0  # how long a table stays CREATING, UPDATING or DELETING
    stream_shards: int = 1  # how many open shards a stream has
    stream_shard_seconds: float = 14400.0  # how long a shard stays open
    functions: str = "auto"  # whether functions are run, and as which user
    functions_users: Users | None = None  # whom functions run as that are kept apart
    functions_launcher: Path | None = None  # the socket of a launcher that starts them
    functions_directory: Path | None = None  # where their code and files are; None: in the data directory
    functions_token: Path | None = None  # a file with the secret for Lambda's API in open mode
    identity_providers: Path | None = None  # a file with those whose tokens roles may trust
    kinesis_endpoint: str = ""  # where changes go that tables send to Kinesis data streams
    sqs_endpoint: str = ""  # where records go that functions failed on, and that are to be sent to a queue
    sns_endpoint: str = ""  # the same, to a topic
    destinations_allowed: tuple[str, ...] | None = None  # where the server may send; None: by `auth`
    test_controls: bool = False  # whether tests may move the clock, and so on, at /_statordb
    shutdown_seconds: float = 10.0  # how long requests in flight may take once the server is told to end
    idle_seconds: float = 120.0  # how long a connection may wait for its next request
    request_seconds: float = 10.0  # how long nothing may come of a request that is not complete

    @property
    def worker_count(self) -> int:
        """At most."""
        return self.workers if self.workers > 0 else cores()

    @property
    def is_elastic(self) -> bool:
        """Whether the number of workers follows the load."""
        return self.workers == AUTO and cores() > 1

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it listens."""
        return (self.host, *(endpoint.host for endpoint in self.endpoints if endpoint.host))

    @property
    def is_encrypted(self) -> bool:
        return self.tls != "off" or self.tls_certificate is not None

    @property
    def names(self) -> frozenset[str]:
        """What the server is called by the settings, in lower case: names and addresses."""
        told = re.sub(r":[0-9]*$", "", self.endpoint.partition("://")[2] or self.endpoint).strip("[]")
        return frozenset(name.lower() for name in (*self.allowed_hosts, told, *self.hosts) if name)

    @property
    def runs_functions(self) -> bool:
        """Whether Lambda's API is there, and functions are run."""
        is_for_anyone = self.anyone_may_read_and_delete_everything
        return self.functions != "off" and (self.functions != "auto" or (self.auth == "open" and not is_for_anyone))

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where the server may send what it is told to: see outbound.permissions."""
        if self.destinations_allowed is not None:
            return self.destinations_allowed
        return ("any",) if self.auth == "open" and not self.anyone_may_read_and_delete_everything else ()

    @property
    def throttles(self) -> bool:
        """Whether throughput is limited, and what goes with it."""
        return self.auth == "iam" if self.throttle is None else self.throttle

    @property
    def quotas(self) -> Quotas:
        """Which of AWS's quotas are kept to."""
        told = (self.tables_max, self.control_operations_max)
        tables, operations = (
            (most if self.throttles else 0) if given is None else given
            for given, most in zip(told, (TABLES_MAX, CONTROL_OPERATIONS_MAX), strict=True)
        )
        return Quotas(tables, operations, self.throttles)

    @property
    def isolates(self) -> bool:
        """Whether functions run as users of their own."""
        return self.functions == "isolated"

    @property
    def lane_count(self) -> int:
        return max(1, cores() // CORES_PER_LANE) if self.lanes is None else self.lanes


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return min(WORKERS_MAX, len(os.sched_getaffinity(0)))
    return min(WORKERS_MAX, os.cpu_count() or 1)


NEVER_SHOWN = {"root_secret_access_key", "cassandra_password"}


def load(arguments: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """Settings from all sources. `arguments`: the options given on the command line, by setting name, and `config`.

    Raises BadStart with a sentence that names the setting and its source.
    """
    config = arguments.get("config") or environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    sources = (
        _read_file(Path(str(config))) if config else {},
        _read_environment(environment),
        {name: (value, "--" + name.replace("_", "-")) for name, value in arguments.items() if name in PARSERS},
    )
    chosen: dict[str, Any] = {}
    for source in sources:
        parsed = {name: _parse(name, value, where) for name, (value, where) in source.items()}
        if parsed.get("memory") and "data" in parsed:
            raise BadStart("A data directory and memory can't be used together (--data with --memory).")
        if "data" in parsed:
            chosen["memory"] = False
        chosen.update(parsed)
    return _checked(Settings(**chosen))


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
            near = nearest(key, PARSERS)
            meant = f" ({near} is one)" if near else ""
            raise BadStart(f"The configuration file {path} has an unknown key: {key}{meant}.")
    return {name: (value, f"{name} in {path}") for name, value in entries.items()}


def _read_environment(environment: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    found: dict[str, tuple[object, str]] = {}
    for key, value in environment.items():
        name = key.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not key.startswith(ENVIRONMENT_PREFIX) or (key.startswith(NO_SETTINGS_PREFIX) and name not in PARSERS):
            continue
        if name not in PARSERS:
            _refuse_mistyped(key, name)
        elif _ADDRESS_OF_A_SERVICE.fullmatch(value) is None:
            found[name] = (value, key)
    return found


def _refuse_mistyped(key: str, name: str) -> None:
    """Others may have variables that begin like ours: what is nothing like a setting is none of ours."""
    if name == "config":
        return
    near = nearest(name, PARSERS)
    if not near and "_" in name:  # one word alone may well be somebody else's
        near = next((setting for setting in PARSERS if setting.startswith(f"{name}_")), "")
    if near:
        raise BadStart(f"The environment has {key}, which is no setting: {ENVIRONMENT_PREFIX}{near.upper()} is.")


def nearest(mistyped: str, names: Iterable[str]) -> str:
    """The name that was meant, or "" if none is much like it."""
    import difflib  # few starts have a mistyped name

    return next(iter(difflib.get_close_matches(mistyped, names, 1, NEARNESS_MIN)), "")


def _parse(name: str, value: object, where: str) -> object:
    try:
        return PARSERS[name](value)
    except ValueError as error:
        shown = "" if name in NEVER_SHOWN else f" {str(value)!r}"
        raise BadStart(f"The value{shown} of {where} {error}.") from None


def _checked(settings: Settings) -> Settings:
    """Rules over several settings."""
    if bool(settings.root_access_key_id) != bool(settings.root_secret_access_key):
        raise BadStart("root_access_key_id and root_secret_access_key must be set together.")
    if settings.objects_credentials and not settings.objects.startswith("s3://"):
        raise BadStart("objects_credentials is for objects in S3: objects = s3://BUCKET/PREFIX.")
    if not ARCHIVE_SECONDS_MIN <= settings.archive_seconds <= ARCHIVE_SECONDS_MAX:
        raise BadStart(f"archive_seconds is from {ARCHIVE_SECONDS_MIN:g} to {ARCHIVE_SECONDS_MAX:g}.")
    _check_root_key(settings)
    _check_cassandra(settings)
    _check_functions(settings)
    if settings.stream_shard_seconds < STREAM_SHARD_SECONDS_MIN:
        raise BadStart(f"stream_shard_seconds can't be below {STREAM_SHARD_SECONDS_MIN:g}.")
    if settings.scaling_minute_seconds % settings.metering_minute_seconds:
        raise BadStart("scaling_minute_seconds must be a multiple of metering_minute_seconds.")
    if settings.shared_db and settings.auth != "open":
        raise BadStart(
            "shared_db lets all keys see the same tables, and --auth iam keeps accounts apart: use one of them."
        )
    if settings.auth == "open" and "*" in settings.allowed_origins:
        raise BadStart(
            'allowed_origins = "*" would let every web page read and drop all tables, as --auth open asks for no key: '
            "name the origins, or use --auth iam."
        )
    for host in dict.fromkeys(settings.hosts):
        _check_host(settings, host)
    if settings.test_controls and settings.auth == "iam" and not all(map(is_loopback, settings.hosts)):
        raise BadStart(
            "test_controls let anybody who reaches the server put back its data and move its clock, without a key: "
            "with --auth iam they are for loopback addresses only."
        )
    _check_tls(settings)
    return settings


def _check_host(settings: Settings, host: str) -> None:
    """What others reach must know who they are, and not be overheard."""
    if is_loopback(host) or settings.anyone_may_read_and_delete_everything:
        return
    if settings.auth == "open":
        raise BadStart(
            f"Listening on {host} lets other machines in, and --auth open would let in anyone there: "
            "use --auth iam, or a loopback address."
        )
    if not (settings.is_encrypted or settings.behind_proxy):
        raise BadStart(
            f"Listening on {host} without TLS would let others on the network read all requests and items: "
            "use TLS (--tls auto, or tls_certificate and tls_key), or say behind_proxy if a proxy in front speaks it."
        )


def _check_root_key(settings: Settings) -> None:
    """What belongs together of who has the root key."""
    needed = {
        "command": ("root_key_command",),
        "vault": ("vault_address", "vault_keys", "vault_token_file"),
        "kms": ("root_kms_keys", "root_kms_region"),
    }
    for provider, names in needed.items():
        given = [name for name in names if getattr(settings, name)]
        if (given or settings.root_key == provider) and len(given) < len(names):
            raise BadStart(f"The root key of {provider} needs {', '.join(names)}, and not all of these are set.")
    for name in ("vault_address", "root_kms_endpoint"):
        address = urlsplit(getattr(settings, name))
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            raise BadStart(f"{name} has no TLS, and the keys of the store would be read on the way: use https://.")


def _check_functions(settings: Settings) -> None:
    """Whoever may create a function may run programs here: where accounts are kept apart, that must be meant."""
    if settings.auth == "iam" and settings.functions == "on":
        raise BadStart(
            "With --auth iam, functions = on does not say as whom functions run: isolated gives each account a user of "
            "its own, shared-user is the server's, so that a function of any account can read the data and keys of all."
        )
    if settings.anyone_may_read_and_delete_everything and settings.functions not in ("auto", "off"):
        raise BadStart("Where anyone_may_read_and_delete_everything no functions are run: anyone could run programs.")
    if settings.anyone_may_read_and_delete_everything and settings.auth != "open":
        raise BadStart("With --auth iam nobody gets in without a key: leave anyone_may_read_and_delete_everything out.")
    if settings.functions_launcher and not settings.isolates:
        raise BadStart("functions_launcher starts functions as users of their own: that is functions = isolated.")
    if settings.isolates and not settings.functions_launcher:
        if settings.functions_users is None:
            raise BadStart("functions = isolated needs users to run them as: functions_users = FIRST-LAST, by number.")
        if not settings.user:
            raise BadStart(
                "functions = isolated needs somebody who may start them as other users: start the server as root with "
                "--user NAME, whom it becomes, or name a launcher's socket by functions_launcher."
            )
    if settings.functions_token and settings.auth != "open":
        raise BadStart("functions_token is for --auth open: with --auth iam access keys sign requests to Lambda's API.")


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise BadStart("tls_certificate and tls_key must be set together.")
    if settings.tls == "auto" and settings.tls_certificate:
        raise BadStart("With --tls auto the server makes its own certificate: tls_certificate can't be given too.")
    if settings.tls_client_ca and not settings.is_encrypted:
        raise BadStart("tls_client_ca needs TLS: use tls_certificate and tls_key, or --tls auto.")


def _check_cassandra(settings: Settings) -> None:
    """What belongs together where the store is a cluster, and what must not be given where it is not."""
    if settings.engine != "cassandra":
        if settings.cassandra.names:
            raise BadStart("Nodes of Cassandra are given, but the engine is another: use --engine cassandra.")
        return
    if not settings.cassandra.names or not settings.datacenter:
        raise BadStart("The engine cassandra needs nodes and their datacenter (--cassandra HOST,HOST --datacenter DC).")
    if settings.memory:
        raise BadStart("The engine cassandra and memory can't be used together.")
    if bool(settings.cassandra_username) != bool(settings.cassandra_password):
        raise BadStart("cassandra_username and cassandra_password must be set together.")
    if bool(settings.cassandra_certificate) != bool(settings.cassandra_key):
        raise BadStart("cassandra_certificate and cassandra_key must be set together.")
    if settings.cassandra_certificate and not settings.cassandra_ca:
        raise BadStart("cassandra_certificate needs cassandra_ca: without it the nodes are not spoken to by TLS.")


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
