"""Where clients and functions are told to find the server."""

import socket

import pytest

from statordb.server.serving import endpoints
from statordb.server.settings import Settings


@pytest.mark.parametrize(
    ("host", "endpoint", "clients", "functions"),
    [
        ("127.0.0.1", "", "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("::1", "", "[::1]:8000", "http://[::1]:8000"),
        ("0.0.0.0", "", f"{socket.gethostname()}:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "db.example.com:80", "db.example.com:80", "http://db.example.com:80"),
        ("0.0.0.0", "https://db.example.com", "db.example.com", "https://db.example.com"),
    ],
)
def test_endpoints(host: str, endpoint: str, clients: str, functions: str) -> None:
    """Clients are told host and port, functions a URL that they reach: from here, whatever host the server is bound
    to."""
    assert endpoints(Settings(host=host, endpoint=endpoint), 8000) == (clients, functions)
