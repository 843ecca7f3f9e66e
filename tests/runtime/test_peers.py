"""Who may speak to a function's Runtime API."""

import os
import socket

import pytest

from statordb.runtime.peers import is_ours


def test_processes_of_the_servers_user_and_of_root_are_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        connected, _ = listener.accept()
        with connected:
            assert is_ours(connected)
            assert is_ours(client)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a moment")
def test_another_users_processes_are_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.seteuid(65534)
        try:
            client = socket.create_connection(listener.getsockname())
        finally:
            os.seteuid(0)
        with client, listener.accept()[0] as connected:
            assert not is_ours(connected)
