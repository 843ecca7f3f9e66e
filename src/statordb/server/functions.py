"""Functions in a server: one process runs them, beside the keeper's duties; the workers reach it by its doorway."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from statordb.keeper.invocations import Invocations
from statordb.keeper.keeper import Duty, Report
from statordb.keeper.packages import Packages
from statordb.keeper.triggers import Triggers
from statordb.keeper.triggers.duty import anybody
from statordb.launcher.cgroups import Cgroups
from statordb.model.credential import Credential
from statordb.outbound.external import ExternalInvoker
from statordb.outbound.permissions import Permissions
from statordb.runtime.containment import Containment, Shared
from statordb.runtime.counted import CountedInvoker
from statordb.runtime.doorway import Doorway, RemoteInvoker
from statordb.runtime.launched import Launched
from statordb.runtime.launching import Launcher
from statordb.runtime.pool import Pool
from statordb.runtime.strays import Strays
from statordb.server.composition import Site, credentials_of, destinations_of, gate_of
from statordb.server.mapping_readers import may_read_for
from statordb.server.sockets import port_of
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.store import Store

SESSION_SECONDS = 12 * 3600  # the longest session of a role; instances are replaced long before

log = logging.getLogger(__name__)


class Running:
    """The pool of function processes, and the duties that feed it. Make it in a running event loop."""

    def __init__(self, site: Site, store: Store, report: Report) -> None:
        self._credentials = credentials_of(store)
        self._store = store
        self._launcher = Launcher(site.launcher) if site.launcher is not None else None
        containment: Containment = _shared() if self._launcher is None else Launched(self._launcher)
        self._pool = Pool(
            site.functions_directory,
            site.functions_url,
            store.functions.code,
            self._session,
            store.clock.now,
            exists=self._exists,
            containment=containment,
        )
        self.invoker = CountedInvoker(self._pool, store.taps)
        self._doorway = Doorway(self.invoker, site.secret)
        self._socket = site.doorway
        self._settings = site.settings
        self._external = ExternalInvoker(Permissions(site.settings.destinations))
        self._destinations = destinations_of(site, store)
        self.duties: Sequence[Duty] = (
            Triggers(
                store,
                self.invoker,
                self._external,
                self._destinations,
                report,
                anybody if site.settings.auth == "open" else partial(may_read_for, store, gate_of(site, store)),
            ),
            Invocations(store, self.invoker, self._destinations, report),
            Packages(store),
        )

    async def start(self) -> None:
        """Let the workers in."""
        await self._doorway.start(self._socket)

    async def close(self) -> None:
        """End every function's process."""
        await self._doorway.close()
        await self._pool.close()
        if self._launcher is not None:
            self._launcher.close()
        await self._external.close()
        await self._destinations.close()

    async def _exists(self, function: FunctionRecord) -> bool:
        """Whether a function is still the one that its processes were started for."""
        found = await self._store.functions.find(function.account, function.region, function.name)
        return found is not None and found.revision == function.revision

    async def _session(self, function: FunctionRecord) -> Mapping[str, str]:
        """Credentials of the function's role, as environment variables."""
        if self._settings.auth == "open" and function.account != self._settings.account:
            # Nobody looks at credentials there, and this is how a client names another account.
            return environment_of(Credential(function.account, "open", function.account, function.role))
        session = await self._credentials.create_session(
            function.account, function.role, function.name, SESSION_SECONDS
        )
        return environment_of(session)


def _shared() -> Shared:
    """What functions of the server's own user are held together by, as far as the system goes."""
    groups = Cgroups.find()
    return Shared(groups, Strays() if groups is None else None)


def environment_of(session: Credential) -> dict[str, str]:
    """A session's credentials as AWS's SDKs look for them."""
    named = {"AWS_ACCESS_KEY_ID": session.access_key_id, "AWS_SECRET_ACCESS_KEY": session.secret}
    return named if session.session_token is None else {**named, "AWS_SESSION_TOKEN": session.session_token}


def remote_invoker(site: Site) -> RemoteInvoker:
    """How a worker's process has functions run."""
    return RemoteInvoker(("127.0.0.1", port_of(site.doorway)), site.secret)
