"""`statordb serve`: makes what all processes share, then starts them."""

import contextlib
import gc
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from statordb import __version__
from statordb.server import descriptors, logs
from statordb.server.audit import directory as audit_directory
from statordb.server.billing import sheet
from statordb.server.concealment import conceal
from statordb.server.directory import SUPERUSER, Directory, hold_data, hold_memory
from statordb.server.lane.counters import LaneTallies
from statordb.server.lane.door import Door
from statordb.server.roster import Roster
from statordb.server.settings import BadStart, Settings
from statordb.server.sockets import ADMIN_PORT, CONSOLE_PORT, listen, listen_usual, port_of, url
from statordb.server.tls.choice import tls_of

if TYPE_CHECKING:
    from statordb.runtime.launching import Way
    from statordb.server.composition import Site
    from statordb.server.controls.controls import Controls
    from statordb.server.tls.files import Watched

LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where to reach a server that listens on every address

TOKEN_CHARACTERS_MIN = 16

log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serve until told to end; the exit code. Raises BadStart."""
    logs.configure(settings.log_format, settings.log_level)
    launcher = None
    if settings.user or settings.functions_launcher:
        from statordb.server.becoming import become  # few servers are started so

        launcher = become(settings)
    directory = hold_memory() if settings.memory else hold_data(settings.data)
    try:
        return _serve(settings, directory, launcher)
    finally:
        directory.release()


def _serve(settings: Settings, directory: Directory, launcher: "Way | None") -> int:
    descriptors.allow_many()
    audit_directory.prepare(settings)
    conceal(settings.debuggable)
    tls = tls_of(settings, directory.path, time.time())
    listener = listen(settings.host, settings.port)
    admin_listener = listen_usual(settings.admin_host, settings.admin_port, ADMIN_PORT)
    console_listener = listen_usual("127.0.0.1", settings.console_port, CONSOLE_PORT) if settings.console else None
    from statordb.server import composition  # after the checks above, so that a bad start is told at once
    from statordb.server.entrances import entrances_of

    entrances = entrances_of(settings, listener, tls is not None)

    functions_directory = settings.functions_directory or directory.functions
    if settings.runs_functions:
        _make_private(functions_directory)
    if launcher is not None:
        from statordb.server import isolating

        isolating.prepare(settings, functions_directory, launcher)

    port = port_of(listener)
    address = url(settings.host, port, "http" if tls is None else "https")
    endpoint, functions_url = endpoints(settings, port)
    if tls is not None and settings.runs_functions:
        functions_url = url("127.0.0.1", entrances[-1].port)
    inner = (
        url("127.0.0.1", entrances[-1].port) if tls is not None else url(LOCAL.get(settings.host, settings.host), port)
    )
    count, lanes = settings.worker_count, settings.lane_count
    shapes = composition.load_shapes()
    site = composition.Site(
        settings,
        secrets.token_hex(8),
        directory.path,
        entrances,
        tls,
        admin_listener,
        console_listener,
        inner,
        endpoint,
        functions_url,
        listen("127.0.0.1", 0),
        secrets.token_urlsafe(32),
        functions_directory,
        launcher,
        read_token(settings.functions_token) if settings.functions_token else "",
        read_providers(settings.identity_providers) if settings.identity_providers else b"",
        sheet.load(settings.prices) if settings.prices else None,
        Roster(count, lanes=lanes, is_elastic=settings.is_elastic, has_console=settings.console),
        composition.shared_counters(shapes.operations, count, lanes),
        composition.shared_buckets(settings),
        [Door() for _ in range(lanes)],
        LaneTallies(count, lanes),
        shapes,
        _controls(directory.path) if settings.test_controls else None,
    )

    announce = partial(_announce, address, tls, console_listener)
    return _supervise(site, announce, partial(_log_start, settings, _facts(site, address)))


def _controls(directory: Path) -> "Controls":
    from statordb.server.controls.controls import Controls  # few servers have them

    return Controls(directory / "snapshots")


def _announce(address: str, tls: "Watched | None", console: socket.socket | None) -> None:
    """Where the server is, in a line of its own: programs take its last word for the address. Then the console."""
    known_by = "" if tls is None or tls.files.authority is None else f" (authority: {tls.files.authority})"
    shown = "" if console is None else f"Console on {url('127.0.0.1', port_of(console))}\n"
    print(f"StatorDB ready on {address}{known_by}\n{shown}", end="", flush=True)


def _facts(site: "Site", address: str) -> dict[str, object]:
    """What the log says of a server that has started."""
    settings = site.settings
    return {
        "version": __version__,
        "url": address,
        "admin_url": url(settings.admin_host, port_of(site.admin_listener)),
        "console_url": "" if site.console_listener is None else url("127.0.0.1", port_of(site.console_listener)),
        "directory": str(site.directory),
        "memory": settings.memory,
        "engine": settings.engine,
        "workers": settings.worker_count,
        "workers_follow_load": settings.is_elastic,
        "lanes": settings.lane_count,
        "auth": settings.auth,
    } | _endpoints_of(site)


def _endpoints_of(site: "Site") -> dict[str, object]:
    """Where endpoints are reached, by their ids."""
    scheme = "http" if site.tls is None else "https"
    host = site.settings.host
    pairs = zip(site.settings.endpoints, site.entrances[1:], strict=False)
    found = {told.id: url(told.host or host, entrance.port, scheme) for told, entrance in pairs}
    return {"endpoints": found} if found else {}


def _log_start(settings: Settings, facts: Mapping[str, object]) -> None:
    log.info("server started", extra=facts)
    if settings.isolates:
        from statordb.server import isolating

        isolating.tell()
    if settings.anyone_may_read_and_delete_everything:
        log.warning("anyone who reaches this server may read and delete everything in it")
    if settings.auth == "iam" and settings.functions == "shared-user":
        log.warning("functions run as the server's user: those of any account can read the data and keys of all")


def read_providers(path: Path) -> bytes:
    """What a file tells of identity providers. Raises BadStart."""
    from statordb.iam_api import web_identity  # few servers have such a file

    try:
        told = path.read_bytes()
        web_identity.load(told)
    except OSError as error:
        raise BadStart(f"The file {path} of identity_providers can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise BadStart(f"The file {path} of identity_providers {error}.") from None
    return told


def read_token(path: Path) -> str:
    """The secret that a file holds, which is made if it is not there. Raises BadStart."""
    try:
        with contextlib.suppress(FileExistsError):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
        facts, token = path.stat(), path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadStart(f"The file {path} of functions_token can't be used: {error}.") from None
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise BadStart(f"The file {path} of functions_token must be the server's user's own, with mode 0600.")
    if len(token) < TOKEN_CHARACTERS_MIN:
        raise BadStart(f"The file {path} of functions_token must have at least {TOKEN_CHARACTERS_MIN} characters.")
    return token


def _make_private(path: Path) -> None:
    """The directory that functions run in. Raises BadStart if others could decide what runs."""
    from statordb.runtime import private_directory

    try:
        private_directory.make(path)
    except private_directory.NotPrivate as error:
        raise BadStart(str(error.args[0])) from None
    except OSError as error:
        raise BadStart(f"The directory {path} of functions can't be made or used: {error.strerror}.") from None


def _supervise(site: "Site", announce: Callable[[], None], log_start: Callable[[], None]) -> int:
    """The supervisor's process: every other is a child of it."""
    from statordb.server import roles
    from statordb.server.sizing import Sizing
    from statordb.server.supervisor import Child, Supervisor

    def ready() -> None:
        announce()
        log_start()
        if os.geteuid() == SUPERUSER:
            log.warning(
                "the server runs as root: whoever gets past it has the whole machine; give it a user of its own"
            )

    sizing = Sizing(site.roster) if site.roster.is_elastic else None
    supervisor = Supervisor(site.roster, site.settings.shutdown_seconds, ready, site.close_entrances, sizing=sizing)
    gc.freeze()  # the children share what is loaded by now: a collection in one of them must not write to it
    lanes = [
        Child(f"statordb-lane{index}", site.roster.lane(index), partial(roles.run_lane, site, index), door.waiting)
        for index, door in enumerate(site.doors)
    ]
    if site.console_listener is not None:
        from statordb.server.console import run_console

        show = partial(run_console, site)
        lanes.append(Child("statordb-console", site.roster.console, show, site.console_listener.fileno()))
    workers = [
        Child(f"statordb-work{slot}", slot, partial(roles.run_worker, site, slot))
        for slot in range(site.roster.workers)
    ]
    if site.has_no_keeper:
        alone = Child("statordb-alone", roles.ALONE, partial(roles.run_alone, site))
        return supervisor.run([alone, *workers[1:], *lanes])
    code = supervisor.run_first("statordb-store", partial(roles.prepare_store, site))
    if code != 0:
        return code
    keeper = Child("statordb-keep", site.roster.keeper, partial(roles.run_keeper, site))
    return supervisor.run([*workers, keeper, *lanes])


def endpoints(settings: Settings, port: int) -> tuple[str, str]:
    """host:port that clients are told to use, and the address that functions are.

    Both are what the settings name. Else clients are told the machine's name where the server listens on every address,
    and functions, which run on this machine, an address of its own.
    """
    told, host = settings.endpoint, settings.host
    if told:
        return told.partition("://")[2] or told, told if "://" in told else f"http://{told}"
    named = socket.gethostname() if host in LOCAL else host
    return url(named, port).removeprefix("http://"), url(LOCAL.get(host, host), port)
