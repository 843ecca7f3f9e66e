"""Vault's secrets engine transit by its documented JSON: it keeps nothing but the keys that it is made with."""

import json
import os
import ssl
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.web_server import Answer, Received, WebServer

from statordb.crypto.vault_keys import Transit

TOKEN = "hvs.token"
MOUNT = "transit"


class TransitServer(WebServer):
    """`close` ends it. `keys`: all versions of each key by name; a request for another one is refused."""

    def __init__(self, *names: str, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._answered, tls)
        self.keys = {name: [os.urandom(32)] for name in names}

    def rotate(self, name: str) -> None:
        self.keys[name].append(os.urandom(32))

    def transit(self, directory: Path, *keys: str) -> Transit:
        """How to reach it, with its token in a file of the directory."""
        token = directory / "token"
        token.write_text(TOKEN + "\n")
        return Transit(self.url, MOUNT, keys or tuple(self.keys), token)

    def _answered(self, received: Received) -> Answer:
        if received.headers.get("x-vault-token") != TOKEN:
            return _refused(403, "permission denied")
        version, mount, action, name = received.path.strip("/").split("/")
        if (version, mount) != ("v1", MOUNT):
            return _refused(404, f'no handler for route "{mount}/{action}/{name}". route entry not found.')
        if name not in self.keys:
            return _refused(400, "encryption key not found")
        given = json.loads(received.body)
        if action == "encrypt":
            return _data(ciphertext=self._encrypt(name, b64decode(given["plaintext"])))
        try:
            return _data(plaintext=b64encode(self._decrypt(name, given["ciphertext"])).decode())
        except (InvalidTag, ValueError, IndexError):
            return _refused(400, "cipher: message authentication failed")

    def _encrypt(self, name: str, plaintext: bytes) -> str:
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(self.keys[name][-1]).encrypt(nonce, plaintext, None)
        return f"vault:v{len(self.keys[name])}:{b64encode(sealed).decode()}"

    def _decrypt(self, name: str, ciphertext: str) -> bytes:
        _, version, text = ciphertext.split(":")
        sealed = b64decode(text)
        return AESGCM(self.keys[name][int(version[1:]) - 1]).decrypt(sealed[:12], sealed[12:], None)


def _data(**members: str) -> Answer:
    return Answer(200, json.dumps({"request_id": "1", "data": members}).encode())


def _refused(status: int, error: str) -> Answer:
    return Answer(status, json.dumps({"errors": [error]}).encode())
