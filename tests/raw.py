"""DynamoDB's protocol by hand, for what an SDK cannot say or says too slowly."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from tests.pace import HANGS_SECONDS

CREDENTIAL = "AKIDEXAMPLE000000000/20260101/us-east-1/dynamodb/aws4_request"
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    # Well formed, which is all that an open server asks of it.
    "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
}
TARGET = "DynamoDB_20120810."
Shape = dict[str, Any]


class Connection:
    """One kept HTTP connection to an endpoint, one request at a time.

    A lost connection raises OSError or http.client.HTTPException, and is not mended.
    """

    def __init__(self, url: str, timeout_seconds: float = HANGS_SECONDS) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)

    def send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Post these bytes to an operation; status and body of the reply."""
        self._http.request("POST", "/", body, {**HEADERS, "X-Amz-Target": TARGET + operation})
        reply = self._http.getresponse()
        return reply.status, reply.read()

    def call(self, operation: str, parameters: Shape) -> tuple[int, Shape]:
        """Status and parsed body of one call."""
        status, body = self.send(operation, json.dumps(parameters).encode())
        return status, json.loads(body)

    def ask(self, operation: str, parameters: Shape) -> Shape:
        """The reply of a call that must succeed."""
        status, reply = self.call(operation, parameters)
        assert status == 200, (operation, reply)
        return reply

    def close(self) -> None:
        self._http.close()


def error_name(reply: Shape) -> str:
    """The name of an error reply as an SDK shows it; '' where the reply is none."""
    return str(reply.get("__type", "")).rpartition("#")[2]
