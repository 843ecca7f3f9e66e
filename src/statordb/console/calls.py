"""Calls of the public APIs: signed requests to the server's own port, in threads, a few at a time."""

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session as BotocoreSession

from statordb.console.limits import CALL_SECONDS, CALLS_MAX, CLIENTS_MAX
from statordb.console.sessions import Session

Answer = dict[str, Any]
OPTIONS = Config(
    retries={"total_max_attempts": 2, "mode": "standard"},
    connect_timeout=5,
    read_timeout=CALL_SECONDS,
    proxies={},
    user_agent_extra="statordb-console",
    max_pool_connections=CALLS_MAX,
)


class Fault(Exception):
    """What an API answered instead of doing it. `code` and `message` are its own; `status` is HTTP's."""

    def __init__(self, code: str, message: str, status: int = 400, operation: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.operation = operation


class Apis:
    """The server's APIs at `endpoint`. `verify`: a file with who signed its certificate, or None for who is known."""

    def __init__(self, endpoint: str, verify: str | None = None) -> None:
        self.endpoint = endpoint
        self._verify = verify
        self._botocore: BotocoreSession | None = None
        self._clients: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(CALLS_MAX, "console-call")

    async def call(self, session: Session, service: str, operation: str, **parameters: Any) -> Answer:
        """The answer to an operation, by its name in the service model. Raises Fault."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._call, session, service, operation, parameters)

    def _call(self, session: Session, service: str, operation: str, parameters: Answer) -> Answer:
        try:
            answer: Answer = self._client(session, service)._make_api_call(operation, parameters)
            if operation == "Invoke":
                answer["Payload"] = answer["Payload"].read()
        except ClientError as error:
            told = error.response.get("Error", {})
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
            raise Fault(told.get("Code", "Error"), told.get("Message", ""), status, operation) from None
        except BotoCoreError as error:  # what it can't send, or nobody there
            raise Fault(type(error).__name__, str(error), 400, operation) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise Fault("ParamValidationError", f"This can't be sent: {error}", 400, operation) from None
        return answer

    def _client(self, session: Session, service: str) -> Any:
        key = (service, session.region, session.access_key_id, session.secret, session.token)
        with self._making:  # botocore's sessions are one thread's at a time
            client = self._clients.get(key)
            if client is None:
                if self._botocore is None:
                    self._botocore = BotocoreSession()
                client = self._clients[key] = self._botocore.create_client(
                    service,
                    session.region,
                    endpoint_url=self.endpoint,
                    verify=self._verify,
                    aws_access_key_id=session.access_key_id,
                    aws_secret_access_key=session.secret,
                    aws_session_token=session.token or None,
                    config=OPTIONS,
                )
                if len(self._clients) > CLIENTS_MAX:
                    self._clients.popitem(last=False)
            self._clients.move_to_end(key)
            return client
