"""Where requests come in: the listening sockets of a server, and a worker's listeners on them."""

import asyncio
from collections.abc import Callable, Sequence
from socket import socket
from typing import NamedTuple

from statordb.model.request import NOWHERE, Origin
from statordb.server.descriptors import connections_max
from statordb.server.endpoint_policies import PolicyFile
from statordb.server.settings import Settings
from statordb.server.sockets import listen, port_of
from statordb.server.tls.files import LOOK_SECONDS, Watched
from statordb.wire.context import WireContext
from statordb.wire.listener import Listener, Network


class Entrance(NamedTuple):
    """A listening socket.

    encrypted  whether TLS is spoken there.
    origin     what the origins of its connections have in common.
    proxies    whose connections begin with a header of the PROXY protocol.
    policy     where the policy of `origin` comes from.
    """

    socket: socket
    encrypted: bool = False
    origin: Origin = NOWHERE
    proxies: Sequence[Network] = ()
    policy: PolicyFile | None = None

    @property
    def port(self) -> int:
        return port_of(self.socket)


def entrances_of(settings: Settings, main: socket, encrypted: bool) -> tuple[Entrance, ...]:
    """Those of a server; the first is that of `main`, then come those of endpoints. Raises BadStart.

    Functions and the console, which run on this machine, can't know an authority of ours, nor have a certificate: where
    TLS is spoken, they have an entrance of their own, the last one. What they send leaves the machine as little as by
    TLS.
    """
    found = [Entrance(main, encrypted, Origin(secure=encrypted), settings.proxies)]
    for endpoint in settings.endpoints:
        policy = None if endpoint.policy is None else PolicyFile(endpoint.policy)
        told = None if policy is None else policy.policy
        origin = Origin(secure=encrypted, endpoint=endpoint.id, vpc=endpoint.vpc, policy=told)
        listening = listen(endpoint.host or settings.host, endpoint.port)
        found.append(Entrance(listening, encrypted, origin, settings.proxies, policy))
    if encrypted and (settings.runs_functions or settings.console):
        found.append(Entrance(listen("127.0.0.1", 0), origin=Origin(secure=True)))
    return tuple(found)


class Listeners:
    """A worker's listeners, and what they encrypt by. Make it in a running event loop."""

    def __init__(
        self,
        entrances: Sequence[Entrance],
        context: WireContext,
        may_accept: Callable[[], bool],
        tls: Watched | None,
    ) -> None:
        self._tls = tls
        self._entrances = entrances
        self._listeners = [
            Listener(
                entrance.socket,
                context,
                may_accept=may_accept,
                connections_max=connections_max(),
                tls=self._tls if entrance.encrypted else None,
                entrance=entrance.origin,
                proxies=entrance.proxies,
                sweeps=number == 0,
            )
            for number, entrance in enumerate(entrances)
        ]
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take connections."""
        for listener in self._listeners:
            listener.start()
        self._look()

    async def stop(self, seconds: float) -> None:
        """Take no more, answer what is in flight within `seconds`, close the rest."""
        if self._timer is not None:
            self._timer.cancel()
        first, *others = self._listeners
        for listener in self._listeners:
            listener.close()
        for entrance in self._entrances:
            entrance.socket.close()
        await asyncio.gather(*(listener.stop(seconds) for listener in others))
        await first.stop(seconds)

    def are_idle(self) -> bool:
        """Whether there are no connections, and none that come to be."""
        return all(listener.is_idle() for listener in self._listeners)

    def _look(self) -> None:
        """Take what has changed in the files."""
        if self._tls is not None:
            self._tls.look()
        for entrance, listener in zip(self._entrances, self._listeners, strict=True):
            if entrance.policy is not None and entrance.policy.look():
                listener.change(entrance.origin._replace(policy=entrance.policy.policy))
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
