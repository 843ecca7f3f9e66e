"""A root key in AWS KMS, or in what speaks its API, by botocore: it is imported when the first key is asked for."""

from collections.abc import Sequence
from typing import Any

from statordb.crypto.roots import RootUnusable

CONNECT_SECONDS_MAX = 3.0
ANSWER_SECONDS_MAX = 5.0
TRIES = 3
TOLD_CHARACTERS_MAX = 300  # some of botocore's texts quote the whole answer
CONTEXT = {"statordb": "store key"}  # KMS opens only with the same, shows it in its log, and policies can ask for it
ARN_REGION = 3  # part of a key's ARN


class Refused(RootUnusable):
    """KMS answers that it will not: another key may do."""


class KmsKeys:
    """A KeyProvider. The first of `keys` wraps; all unwrap. Its key ids are ARNs as KMS tells them.

    `endpoint`: None for AWS's own. Credentials come from where botocore looks for them.
    """

    def __init__(self, keys: Sequence[str], region: str, endpoint: str | None = None) -> None:
        """`keys`: ids, ARNs, aliases or their ARNs; an ARN's region counts before `region`."""
        self._keys = tuple(keys)
        self._region = region
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}  # by region

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See KeyProvider. Raises RootUnusable."""
        answer = self._call("Encrypt", self._keys[0], {"Plaintext": data_key})
        return answer["KeyId"], answer["CiphertextBlob"]

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises RootUnusable.

        Only keys of the settings are asked: a store that somebody has changed does not say whose keys are trusted.
        """
        failed: Refused | None = None
        for key in sorted(self._keys, key=lambda key: not key_id.endswith(key)):  # the likely one first
            try:
                found: bytes = self._call("Decrypt", key, {"CiphertextBlob": wrapped})["Plaintext"]
                return found
            except Refused as error:
                failed = failed or error
        assert failed is not None
        raise failed

    def _call(self, operation: str, key: str, given: dict[str, bytes]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = self._client(key)
            return getattr(client, operation.lower())(KeyId=key, EncryptionContext=CONTEXT, **given)
        except ClientError as error:
            told = error.response.get("Error", {})
            raise Refused(self._sentence(operation, key, f"{told.get('Code')}: {told.get('Message')}")) from None
        except (BotoCoreError, ValueError) as error:
            raise RootUnusable(self._sentence(operation, key, str(error) or type(error).__name__)) from None

    def _sentence(self, operation: str, key: str, reason: str) -> str:
        return (
            f"KMS at {self._endpoint or 'AWS'} can't {operation.lower()} with the key {key} of root_kms_keys: "
            f"{' '.join(reason.split())[:TOLD_CHARACTERS_MAX].rstrip('.: ')}."
        )

    def _client(self, key: str) -> Any:
        from botocore.config import Config
        from botocore.session import get_session

        parts = key.split(":")
        region = parts[ARN_REGION] if len(parts) > ARN_REGION else self._region
        if region not in self._clients:
            config = Config(
                connect_timeout=CONNECT_SECONDS_MAX,
                read_timeout=ANSWER_SECONDS_MAX,
                retries={"mode": "standard", "total_max_attempts": TRIES},
            )
            self._clients[region] = get_session().create_client(
                "kms", region_name=region, endpoint_url=self._endpoint, config=config
            )
        return self._clients[region]
