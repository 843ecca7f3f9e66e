"""KMS's API of a real server: signatures, restarts, pages in browsers."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import STATORDB, ServerProcess

from botocore.config import Config  # isort: skip

HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "TrentService.ListKeys",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20261130/us-east-1/kms/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
    "X-Amz-Date": "20261130T000000Z",
}


def post(url: str, body: bytes = b"{}", **headers: str) -> tuple[int, dict[str, Any], str]:
    """Status, body and Content-Type of the answer to a request that nobody signed."""
    request = urllib.request.Request(url, body, {**HEADERS, **headers})
    try:
        with urllib.request.urlopen(request, timeout=HANGS_SECONDS) as answer:
            return answer.status, json.load(answer), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}"), error.headers["Content-Type"]


@pytest.mark.slow
def test_keys_of_a_server_that_checks_signatures_outlive_it(tmp_path: Path) -> None:
    command = [str(STATORDB), "credentials", "create", "--data", str(tmp_path), "--json"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    login = (made["AccessKeyId"], made["SecretAccessKey"])
    arguments = ("--data", str(tmp_path), "--auth", "iam", "--workers", "2", "--no-functions")
    with ServerProcess(*arguments) as server:
        kms = connect(server.url, *login)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/a", TargetKeyId=key)
        blob = kms.encrypt(KeyId="alias/a", Plaintext=b"planted secret")["CiphertextBlob"]
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            connect(server.url, login[0], "another secret").list_keys()
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            connect(server.url, "AKIDNOBODY0000000000", "x").list_keys()
    with ServerProcess(*arguments) as server:
        kms = connect(server.url, *login)
        assert kms.describe_key(KeyId="alias/a")["KeyMetadata"]["KeyId"] == key
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"planted secret"
    assert not any(b"planted secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def connect(url: str, key: str, secret: str) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


@pytest.mark.slow
def test_what_a_page_in_a_browser_sends_is_refused(server: str) -> None:
    status, body, kind = post(server)
    assert (status, kind, "Keys" in body) == (200, "application/x-amz-json-1.1", True)
    for headers in ({"Origin": "https://example.com"}, {"Host": "rebound.example.com"}):
        status, body, _ = post(server, **headers)
        assert (status, body["__type"]) == (400, "AccessDeniedException")


@pytest.mark.slow
def test_requests_that_are_no_good(server: str) -> None:
    for body in (b"", b"{", b"[]", b'{"Limit": "a"}', b'{"Limit": 0}'):
        status, told, _ = post(server, body)
        assert (status, bool(told["__type"])) == (400, True), body
    assert post(server, b"x" * 70_000)[0] == 413
    status, told, _ = post(server, **{"X-Amz-Target": "TrentService.CreateCustomKeyStore"})
    assert (status, told["__type"]) == (400, "UnknownOperationException")
    status, told, _ = post(server, Authorization="nonsense")
    assert (status, told["__type"]) == (400, "MissingAuthenticationTokenException")
