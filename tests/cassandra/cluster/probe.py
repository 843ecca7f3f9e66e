"""One question to one chosen node, in as much of the native protocol (version 4) as that takes.

A driver picks its coordinator itself; here it must be this node and no other.
"""

import socket
import struct

STARTUP, READY, QUERY, RESULT = 0x01, 0x02, 0x07, 0x08
_HEADER = struct.Struct(">BBhBi")  # version, flags, stream, opcode, length of the body
_VERSION = 4
# A table of Cassandra's own that has three copies on every cluster; the row need not exist to be read.
_QUESTION = b"SELECT status FROM system_distributed.view_build_status WHERE keyspace_name = '' AND view_name = ''"


def answers(address: str, port: int, copies: int, seconds: float = 3.0) -> bool:
    """Whether the node answers a read that needs the answers of `copies` nodes (1 to 3)."""
    try:
        with socket.create_connection((address, port), seconds) as connection:
            connection.settimeout(seconds)
            options = struct.pack(">H", 1) + _string(b"CQL_VERSION") + _string(b"3.0.0")
            if _ask(connection, STARTUP, options) != READY:
                return False
            body = struct.pack(">i", len(_QUESTION)) + _QUESTION + struct.pack(">HB", copies, 0)
            return _ask(connection, QUERY, body) == RESULT
    except OSError:
        return False


def _ask(connection: socket.socket, opcode: int, body: bytes) -> int:
    """Send one frame; the opcode of the answer. Raises OSError."""
    connection.sendall(_HEADER.pack(_VERSION, 0, 0, opcode, len(body)) + body)
    *_, answered, length = _HEADER.unpack(_receive(connection, _HEADER.size))
    _receive(connection, length)
    return int(answered)


def _receive(connection: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        chunk = connection.recv(length - len(received))
        if not chunk:
            raise ConnectionError("the node closed the connection")
        received += chunk
    return bytes(received)


def _string(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
