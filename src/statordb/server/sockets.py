"""Listening sockets, bound before any process is forked, so that the ports stay up while a worker is replaced."""

import errno
import socket

from statordb.server.settings import BadStart

BACKLOG = 4096
ADMIN_PORT = 9600
CONSOLE_PORT = 8001


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, not blocking. Raises BadStart."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise BadStart(f"The host name {host} has no address.") from None
    found.sort(
        key=lambda entry: entry[0] != socket.AF_INET
    )  # a name with both kinds of address: IPv4 reaches more clients
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise BadStart(f"Port {port} of {host} is taken by another program.") from None
        raise BadStart(f"The address {host} port {port} can't be listened on: {error.strerror}.") from None
    listener.setblocking(False)
    return listener


def listen_usual(host: str, port: int | None, usual: int) -> socket.socket:
    """A listening socket. `port` None: the usual one, or a free one where that is taken. Raises BadStart."""
    if port is not None:
        return listen(host, port)
    try:
        return listen(host, usual)
    except BadStart:
        return listen(host, 0)


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def url(host: str, port: int, scheme: str = "http") -> str:
    """http:// address; IPv6 addresses in brackets."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
