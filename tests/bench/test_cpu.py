"""Processor time, and the process behind a port."""

import os
import socket
import time

import cpu


def test_time_spent_is_seen() -> None:
    before, began = cpu.seconds([os.getpid()]), time.process_time()
    while time.process_time() < began + 0.1:  # ten ticks
        pass
    assert cpu.seconds([os.getpid()]) - before >= 0.05


def test_nobody_spends_nothing() -> None:
    assert cpu.seconds([]) == 0


def test_a_port_has_the_process_that_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert cpu.listener("127.0.0.1", port) == os.getpid()
        assert cpu.listener("127.0.0.2", port) is None
    assert cpu.listener("127.0.0.1", port) is None
