"""A browser's part of the protocol by hand, for what no browser would send."""

import http.client
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.pace import HANGS_SECONDS


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str


class Visitor:
    """Keeps the cookie, and the token of the last page."""

    def __init__(self, console: str) -> None:
        self.console = console
        self.host = urlsplit(console).netloc
        self.cookie = ""
        self.csrf = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """A form of the console's own page, but for headers that say otherwise; "" leaves one out."""
        told = {"Origin": self.console, "Sec_Fetch_Site": "same-origin", **headers}
        return self._send("POST", path, urlencode({"csrf": self.csrf, **form}), told)

    def sign_in(self, **form: str) -> Answer:
        answer = self.post("/sign-in", form or {"account": "000000000000", "region": "us-east-1"})
        if answer.status == 303:
            self.get("/")
        return answer

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self.host, timeout=HANGS_SECONDS)
        told = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if self.cookie:
            told["Cookie"] = self.cookie
        if body is not None:
            told["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, told)
        reply = connection.getresponse()
        answer = Answer(reply.status, dict(reply.getheaders()), reply.read().decode())
        connection.close()
        found = {name.lower(): value for name, value in answer.headers.items()}
        if "set-cookie" in found:
            self.cookie = found["set-cookie"].partition(";")[0]
        token = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = token[1] if token else self.csrf
        return Answer(answer.status, found, answer.text)
