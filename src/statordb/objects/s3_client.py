"""A client of S3, made when it is first needed: botocore's import takes as long as half a server's start."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from statordb.objects.calls import Calls
from statordb.objects.faults import BadCredentials
from statordb.objects.place import S3Place
from statordb.objects.s3_faults import fault_of

CALLS_MAX = 8  # at the same time
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 20.0
ATTEMPTS_MAX = 3

T = TypeVar("T")


class S3Client:
    """Calls of S3, each in a thread. `credentials`: see `opening.open_objects`."""

    def __init__(self, place: S3Place, credentials: Path | None) -> None:
        self._place = place
        self._credentials = credentials
        self._calls = Calls(CALLS_MAX)
        self._lock = Lock()
        self._client: Any = None

    async def run(self, work: Callable[[Any], T]) -> T:
        """What work makes of botocore's client. Raises ObjectsFault."""

        def call() -> T:
            try:
                return work(self.client())
            except Exception as error:  # besides botocore's own: bad addresses, and answers of what is no S3
                raise fault_of(error, self._place.endpoint or "S3") from error

        return await self._calls.run(call)

    def client(self) -> Any:
        """For threads. Raises what botocore does."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> Any:
        import botocore.session
        from botocore.config import Config

        place = self._place
        session = botocore.session.get_session()
        if self._credentials is not None:
            found = _credentials_in(session, self._credentials)
            session.set_credentials(found.access_key, found.secret_key, found.token)
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": ATTEMPTS_MAX, "mode": "standard"},
            max_pool_connections=CALLS_MAX,
            s3={"addressing_style": place.style or ("path" if place.endpoint else "auto")},
            # Servers that speak S3's API may not know the newer digests; MD5 goes with each write.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # The environment's AWS_ENDPOINT_URL is likely to be this very server, for the programs that use it.
            ignore_configured_endpoint_urls=True,
        )
        return session.create_client(
            "s3",
            region_name=place.region or session.get_config_variable("region") or "us-east-1",
            endpoint_url=place.endpoint or None,
            verify=place.ca or None,
            config=config,
        )


def _credentials_in(session: Any, file: Path) -> Any:
    """Those of the profile that the environment names, else of `default`. Raises BadCredentials."""
    from botocore.credentials import SharedCredentialProvider
    from botocore.exceptions import PartialCredentialsError

    profile = session.get_config_variable("profile") or "default"
    try:
        found = SharedCredentialProvider(str(file), profile).load()
    except PartialCredentialsError:
        found = None
    if found is None:
        raise BadCredentials(
            "NoCredentials", f"The file {file} has no aws_access_key_id and aws_secret_access_key under [{profile}]."
        )
    return found
