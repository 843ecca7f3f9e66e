"""New clients get in: when a worker has all the connections that it may have, those go on which nothing goes on."""

import errno
import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Wire, raw, signed
from tests.wire.test_listener import Server

from statordb.wire.listener import Listener

CONNECTIONS_MAX = 4


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.listener._connections_max = CONNECTIONS_MAX
    yield server
    server.stop()


def dial(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=HANGS_SECONDS)


def ask(client: socket.socket) -> None:
    client.sendall(signed())
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_longest_idle_stranger_goes_first_then_the_longest_idle_client(wire: Wire) -> None:
    made = {}
    for name in ("client", "stranger", "busy", "late stranger", "late client"):
        made[name] = wire.connect()
        if "client" in name:
            made[name][0].data_received(signed())
        elif name == "busy":
            made[name][0].data_received(signed("Slow"))
        wire.pass_time(2)
    made["late stranger"][0].data_received(b"POST / HTTP/1.1\r\n")  # what it does not complete is nothing
    gone = []
    while wire.context.make_room():
        (name,) = (name for name, (_, transport) in made.items() if transport.aborted and name not in gone)
        gone.append(name)
        made[name][0].connection_lost(None)
        wire.pass_time(1)
    assert gone == ["stranger", "late stranger", "client", "late client"]
    assert set(wire.context.connections) == {made["busy"][0]}


def test_new_strangers_go_before_old_clients(wire: Wire) -> None:
    client, transport = wire.connect()
    client.data_received(signed())
    for _ in range(5):
        wire.pass_time(2)
        for _ in range(3):
            wire.connect()
        assert wire.context.make_room()
        assert wire.context.make_room()
    assert not transport.aborted


def test_one_that_woke_up_meanwhile_stays(wire: Wire) -> None:
    first, second = wire.connect(), wire.connect()
    wire.context.make_room()
    assert first[1].aborted
    second[0].data_received(signed("Slow"))  # it was chosen to be the next
    assert not wire.context.make_room()
    assert not second[1].aborted


def test_a_known_client_may_take_its_time_with_a_body(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed() + raw("POST", "/", {"Content-Length": "100"}))
    assert not wire.context.make_room()
    assert not transport.aborted


def test_clients_get_in_past_idle_strangers(server: Server) -> None:
    strangers = [dial(server) for _ in range(3 * CONNECTIONS_MAX)]
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANGS_SECONDS)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    for stranger in strangers:
        stranger.close()


def test_clients_that_do_something_keep_their_place(server: Server) -> None:
    known = dial(server)
    ask(known)
    strangers = [dial(server) for _ in range(3 * CONNECTIONS_MAX)]
    ask(known)
    for client in (known, *strangers):
        client.close()


class Failing:
    """A listening socket that has no descriptor left."""

    def accept(self) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")


def test_without_a_descriptor_nobody_is_asked_again_at_once(server: Server) -> None:
    """And somebody makes room: what else wants descriptors here can't."""

    async def accept() -> tuple[int, int]:
        stranger = server.wire.connect()[1]
        listener = Listener(server.listening, server.wire.context)
        listener._serving = True
        listener._listening = Failing()  # type: ignore[assignment]
        taken: list[str] = []
        listener._stand_back = lambda seconds: taken.append(f"{seconds}")  # type: ignore[method-assign]
        listener._accept()
        server.wire.context.connections.clear()
        return len(taken), stranger.aborted

    assert server.call(accept()).result(HANGS_SECONDS) == (1, True)
