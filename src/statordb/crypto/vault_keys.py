"""A root key in HashiCorp Vault's secrets engine transit, or in what speaks its API (OpenBao).

Source: Vault's HTTP API, "Transit secrets engine", Encrypt Data and Decrypt Data.
"""

import binascii
import http.client
import json
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from statordb.crypto.roots import WRAPPED_BYTES_MAX, RootUnusable

CALL_SECONDS_MAX = 5.0  # that nothing comes
TRIES = 3
PAUSE_SECONDS = 1.0
ANSWER_BYTES_MAX = 2 * WRAPPED_BYTES_MAX
TOKEN_BYTES_MAX = 16 * 1024
TOLD_CHARACTERS_MAX = 200
TO_TRY_AGAIN = {412, 429, 500, 502, 503, 504}  # it is sealed, on standby, or has too much to do


class Transit(NamedTuple):
    """Where the keys are. The first of `keys` wraps; all unwrap. `token_file` is read for each call."""

    address: str
    mount: str
    keys: tuple[str, ...]
    token_file: Path
    namespace: str = ""
    ca: Path | None = None  # who signed its certificate; None: whom the system trusts


class VaultKeys:
    """A KeyProvider. Its key ids are names of transit's keys."""

    def __init__(self, transit: Transit, pause: Callable[[float], None] = time.sleep) -> None:
        self._transit = transit
        self._pause = pause

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See KeyProvider. Raises RootUnusable."""
        name = self._transit.keys[0]
        return name, self._ask("encrypt", name, "plaintext", b64encode(data_key).decode(), "ciphertext").encode()

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises RootUnusable."""
        if key_id not in self._transit.keys:  # a store that somebody has changed does not say whose keys are trusted
            raise RootUnusable(f"The store's keys are wrapped by Vault's key {key_id}, which vault_keys does not name.")
        text = self._ask("decrypt", key_id, "ciphertext", wrapped.decode("ascii", "replace"), "plaintext")
        try:
            return b64decode(text, validate=True)
        except binascii.Error:
            raise self._unusable("answers a plaintext that is not Base64") from None

    def _ask(self, action: str, name: str, member: str, value: str, wanted: str) -> str:
        """One member of the answer's data. What may be over in a moment is tried again."""
        path = f"/v1/{self._transit.mount}/{action}/{name}"
        body = json.dumps({member: value})
        for tries_left in reversed(range(TRIES)):
            try:
                status, answer = self._call(path, body)
            except ssl.SSLCertVerificationError as error:
                raise self._unusable(f"shows a certificate that is not trusted ({error.verify_message})") from None
            except (OSError, http.client.HTTPException) as error:
                failed = f"can't be reached: {error or type(error).__name__}"
            else:
                if status == http.client.OK:
                    return self._member(answer, wanted)
                failed = f"refuses to {action} with {self._transit.mount}/{name} (status {status}{_errors(answer)})"
                if status not in TO_TRY_AGAIN:
                    break
            if tries_left:
                self._pause(PAUSE_SECONDS)
        raise self._unusable(failed)

    def _call(self, path: str, body: str) -> tuple[int, Any]:
        """Status and document of an answer; redirections are not followed, as the token would go with them."""
        token = self._token()
        headers = {"Content-Type": "application/json", "X-Vault-Request": "true", "X-Vault-Token": token}
        if self._transit.namespace:
            headers["X-Vault-Namespace"] = self._transit.namespace
        connection = self._connection()
        try:
            connection.request("POST", urlsplit(self._transit.address).path + path, body, headers)
            response = connection.getresponse()
            text = response.read(ANSWER_BYTES_MAX + 1)
        finally:
            connection.close()
        if len(text) > ANSWER_BYTES_MAX:
            raise self._unusable(f"answers more than {ANSWER_BYTES_MAX} bytes")
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, None

    def _connection(self) -> http.client.HTTPConnection:
        address = urlsplit(self._transit.address)
        assert address.hostname
        if address.scheme == "http":
            return http.client.HTTPConnection(address.hostname, address.port, timeout=CALL_SECONDS_MAX)
        try:
            context = ssl.create_default_context(cafile=self._transit.ca)
        except OSError as error:
            raise RootUnusable(f"The file {self._transit.ca} of vault_ca can't be used: {error.strerror}.") from None
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=CALL_SECONDS_MAX, context=context)

    def _token(self) -> str:
        path = self._transit.token_file
        try:
            with path.open("rb") as file:
                token = file.read(TOKEN_BYTES_MAX).strip().decode("ascii")
        except OSError as error:
            raise RootUnusable(f"The file {path} of vault_token_file can't be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            token = ""
        if not token.isprintable() or not token:
            raise RootUnusable(f"The file {path} of vault_token_file has no token.")
        return token

    def _member(self, answer: Any, name: str) -> str:
        found = answer.get("data") if isinstance(answer, Mapping) else None
        value = found.get(name) if isinstance(found, Mapping) else None
        if not isinstance(value, str) or not value.isascii() or len(value) > WRAPPED_BYTES_MAX:
            raise self._unusable(f"answers without {name}, as no transit does")
        return value

    def _unusable(self, what: str) -> RootUnusable:
        return RootUnusable(f"Vault at {self._transit.address} {what}.")


def _errors(answer: Any) -> str:
    """What Vault says of an error, as the end of a parenthesis."""
    told = answer.get("errors") if isinstance(answer, Mapping) else None
    text = ", ".join(str(each).strip() for each in told) if isinstance(told, list) else ""
    return f": {' '.join(text.split())[:TOLD_CHARACTERS_MAX]}" if text else ""
