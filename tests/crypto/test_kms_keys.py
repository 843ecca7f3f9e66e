"""A root key in KMS: moto's server, and a StatorDB of its own, whose KMS other servers may use."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tests.moto_server import REGION, MotoServer
from tests.process import ServerProcess

from statordb.crypto.kms_keys import CONTEXT, KmsKeys
from statordb.crypto.roots import RootUnusable

KEY = os.urandom(32)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with contextlib.closing(MotoServer()) as moto, ServerProcess("--memory", "--workers", "1") as own:
        yield {"moto": moto.url, "own": own.url}


@pytest.fixture(params=["moto", "own"])
def url(urls: dict[str, str], request: pytest.FixtureRequest) -> str:
    return urls[request.param]


def client(url: str) -> Any:
    return boto3.client("kms", endpoint_url=url, region_name=REGION)


def made(url: str) -> str:
    arn: str = client(url).create_key()["KeyMetadata"]["Arn"]
    return arn


def test_what_it_wraps_opens_by_any_name_of_the_key_and_with_its_context_alone(url: str) -> None:
    arn = made(url)
    alias = f"alias/{arn.rpartition('/')[2]}"
    client(url).create_alias(AliasName=alias, TargetKeyId=arn)
    name, wrapped = KmsKeys([alias], REGION, url).wrap(KEY)
    assert name == arn
    for key in (arn, arn.rpartition("/")[2], alias):
        assert KmsKeys([key], REGION, url).unwrap(name, wrapped) == KEY
    assert client(url).decrypt(CiphertextBlob=wrapped, EncryptionContext=CONTEXT)["Plaintext"] == KEY
    with pytest.raises(client(url).exceptions.InvalidCiphertextException):
        client(url).decrypt(CiphertextBlob=wrapped)


def test_the_region_of_an_arn_counts(url: str) -> None:
    arn = made(url)
    keys = KmsKeys([arn], "eu-west-1", url)
    assert keys.unwrap(*keys.wrap(KEY)) == KEY


def test_a_key_before_opens_what_it_has_wrapped(urls: dict[str, str]) -> None:
    """And a store does not say which keys are trusted: only those of the settings are asked."""
    url = urls["own"]
    before, now = made(url), made(url)
    name, wrapped = KmsKeys([before], REGION, url).wrap(KEY)
    assert KmsKeys([now, before], REGION, url).unwrap(name, wrapped) == KEY
    assert KmsKeys([now, before], REGION, url).wrap(KEY)[0] == now
    with pytest.raises(RootUnusable, match="IncorrectKeyException"):
        KmsKeys([now], REGION, url).unwrap(name, wrapped)


def test_a_disabled_key_is_told_of(urls: dict[str, str]) -> None:
    """moto's opens nevertheless."""
    url = urls["own"]
    arn = made(url)
    keys = KmsKeys([arn], REGION, url)
    name, wrapped = keys.wrap(KEY)
    client(url).disable_key(KeyId=arn)
    with pytest.raises(RootUnusable, match=rf"^KMS at {url} can't decrypt with the key {arn} of .*Disabled.*[^.]\.$"):
        keys.unwrap(name, wrapped)


def test_what_is_wrong_is_one_sentence(url: str) -> None:
    with pytest.raises(RootUnusable, match="NotFoundException"):
        KmsKeys(["alias/none"], REGION, url).wrap(KEY)
    with pytest.raises(RootUnusable, match=r"AccessDenied|InvalidCiphertext"):  # moto has the former, with no words
        KmsKeys([made(url)], REGION, url).unwrap("", b"x" * 100)


def test_nobody_there() -> None:
    with pytest.raises(RootUnusable, match=r"KMS at http://127\.0\.0\.1:9 can't encrypt with the key a of .*connect"):
        KmsKeys(["a"], REGION, "http://127.0.0.1:9").wrap(KEY)
