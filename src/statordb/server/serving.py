"""`statordb serve`: makes what all processes share, then starts them."""

import gc
import logging
import os
import secrets
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from statordb import __version__
from statordb.server import descriptors, logs
from statordb.server.directory import SUPERUSER, Directory, hold_data, hold_memory
from statordb.server.lane.counters import LaneTallies
from statordb.server.lane.door import Door
from statordb.server.roster import Roster
from statordb.server.settings import BadStart, Settings
from statordb.server.sockets import listen, listen_admin, port_of, url

if TYPE_CHECKING:
    from statordb.server.composition import Site

LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where to reach a server that listens on every address

log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serve until told to end; the exit code. Raises BadStart."""
    logs.configure(settings.log_format, settings.log_level)
    directory = hold_memory() if settings.memory else hold_data(settings.data)
    try:
        return _serve(settings, directory)
    finally:
        directory.release()


def _serve(settings: Settings, directory: Directory) -> int:
    descriptors.allow_many()
    listener = listen(settings.host, settings.port)
    admin_listener = listen_admin(settings.admin_host, settings.admin_port)
    from statordb.server import composition  # after the checks above, so that a bad start is told at once

    if settings.functions:
        _make_private(directory.functions)

    port = port_of(listener)
    endpoint, functions_url = endpoints(settings, port)
    count, lanes = settings.worker_count, settings.lane_count
    shapes = composition.load_shapes()
    site = composition.Site(
        settings,
        secrets.token_hex(8),
        directory.path,
        listener,
        admin_listener,
        endpoint,
        functions_url,
        listen("127.0.0.1", 0),
        secrets.token_urlsafe(32),
        directory.functions,
        Roster(count, lanes=lanes),
        composition.shared_counters(shapes.operations, count, lanes),
        [Door() for _ in range(lanes)],
        LaneTallies(count, lanes),
        shapes,
    )

    def announce() -> None:
        print(f"StatorDB ready on {url(settings.host, port)}", flush=True)

    facts = {
        "version": __version__,
        "url": url(settings.host, port),
        "admin_url": url(settings.admin_host, port_of(admin_listener)),
        "directory": str(directory.path),
        "memory": settings.memory,
        "engine": settings.engine,
        "workers": count,
        "lanes": lanes,
        "auth": settings.auth,
    }
    log_start = partial(log.info, "server started", extra=facts)
    return _supervise(site, announce, log_start)


def _make_private(path: Path) -> None:
    """The directory that functions run in. Raises BadStart if others could decide what runs."""
    from statordb.runtime import private_directory

    try:
        private_directory.make(path)
    except private_directory.NotPrivate as error:
        raise BadStart(str(error.args[0])) from None


def _supervise(site: "Site", announce: Callable[[], None], log_start: Callable[[], None]) -> int:
    """The supervisor's process: every other is a child of it."""
    from statordb.server import roles
    from statordb.server.supervisor import Child, Supervisor

    def ready() -> None:
        announce()
        log_start()
        if os.geteuid() == SUPERUSER:
            log.warning(
                "the server runs as root: whoever gets past it has the whole machine; give it a user of its own"
            )

    supervisor = Supervisor(site.roster, site.settings.shutdown_seconds, ready, site.listener.close)
    gc.freeze()  # the children share what is loaded by now: a collection in one of them must not write to it
    lanes = [
        Child(f"statordb-lane{index}", site.roster.lane(index), partial(roles.run_lane, site, index), door.waiting)
        for index, door in enumerate(site.doors)
    ]
    if site.roster.workers == 1:
        return supervisor.run([Child("statordb-alone", roles.ALONE, partial(roles.run_alone, site)), *lanes])
    code = supervisor.run_first("statordb-store", partial(roles.prepare_store, site))
    if code != 0:
        return code
    workers = [
        Child(f"statordb-work{slot}", slot, partial(roles.run_worker, site, slot))
        for slot in range(site.roster.workers)
    ]
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
