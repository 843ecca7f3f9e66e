"""One question to one chosen node, in as much of the native protocol (version 4) as that takes.

A driver picks its coordinator itself; here it must be this node and no other.
"""

import socket
import struct

from tests.cassandra.cluster.access import Access

STARTUP, READY, AUTHENTICATE, QUERY, RESULT, AUTH_RESPONSE, AUTH_SUCCESS = 0x01, 0x02, 0x03, 0x07, 0x08, 0x0F, 0x10
_HEADER = struct.Struct(">BBhBi")  # version, flags, stream, opcode, length of the body
_VERSION = 4
# A table of Cassandra's own that has three copies on every cluster; the row need not exist to be read.
_QUESTION = b"SELECT status FROM system_distributed.view_build_status WHERE keyspace_name = '' AND view_name = ''"


def answers(address: str, port: int, copies: int, access: Access | None, seconds: float = 3.0) -> bool:
    """Whether the node answers a read that needs the answers of `copies` nodes (1 to 3). `access` None: all get in."""
    try:
        with _connect(address, port, access, seconds) as connection:
            if not _begin(connection, access):
                return False
            body = struct.pack(">i", len(_QUESTION)) + _QUESTION + struct.pack(">HB", copies, 0)
            return _ask(connection, QUERY, body) == RESULT
    except OSError:
        return False


def _connect(address: str, port: int, access: Access | None, seconds: float) -> socket.socket:
    connection = socket.create_connection((address, port), seconds)
    if access is None:
        return connection
    try:
        return access.tls().wrap_socket(connection)
    except BaseException:
        connection.close()
        raise


def _begin(connection: socket.socket, access: Access | None) -> bool:
    """Whether the node takes questions from us."""
    options = struct.pack(">H", 1) + _string(b"CQL_VERSION") + _string(b"3.0.0")
    answer = _ask(connection, STARTUP, options)
    if access is None:
        return answer == READY
    login = b"\0" + access.username.encode() + b"\0" + access.password.encode()
    return (
        answer == AUTHENTICATE
        and _ask(connection, AUTH_RESPONSE, struct.pack(">i", len(login)) + login) == AUTH_SUCCESS
    )


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
