"""How this server signs what it sends to other services: the credentials of its environment."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

DUMMY = "local"  # key and secret where there are none, or for strangers: servers for one machine take any

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
ATTEMPTS_MAX = 2


class AwsSession:
    """A botocore session, made when it is first needed: its import takes as long as half a server's start.

    Everything here may block (files, an instance's metadata service), so it is for threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str, str, bool], Any] = {}

    def client(self, service: str, endpoint: str, region: str, is_named: bool) -> Any:
        """The client of a service at an endpoint. Clients are kept, and may be used by several threads.

        `is_named`: the settings name the endpoint. To any other the server's own credentials are not shown.
        """
        with self._lock:
            name = (service, endpoint, region, is_named)
            found = self._clients.get(name)
            if found is None:
                from botocore.config import Config

                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": ATTEMPTS_MAX, "mode": "standard"},
                )
                keys = {} if is_named else {"aws_access_key_id": DUMMY, "aws_secret_access_key": DUMMY}
                found = self._open().create_client(
                    service, region_name=region, endpoint_url=endpoint, config=config, **keys
                )
                self._clients[name] = found
            return found

    def signed(
        self, service: str, region: str, url: str, headers: Mapping[str, str], body: bytes, is_named: bool
    ) -> dict[str, str]:
        """The headers of a POST request with its signature (Signature Version 4). `is_named`: as for `client`."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest("POST", url, headers=dict(headers), data=body)
        with self._lock:
            credentials = self._open().get_credentials() if is_named else Credentials(DUMMY, DUMMY)
        SigV4Auth(credentials, service, region).add_auth(request)
        return dict(request.headers.items())

    def _open(self) -> Any:
        if self._session is None:
            from botocore.session import get_session

            session = get_session()
            if session.get_credentials() is None:
                session.set_credentials(DUMMY, DUMMY)
            self._session = session
        return self._session
