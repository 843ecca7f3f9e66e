"""KMS's API by the AWS CLI, of a server that checks signatures."""

from base64 import b64decode
from pathlib import Path

import pytest
from tests.sdk.awscli import run_aws
from tests.sdk.conftest import Login
from tests.sdk.story import Failure


@pytest.mark.slow
def test_a_key_as_a_newcomer_makes_it(tools: Path, signed_login: Login, tmp_path: Path) -> None:
    def aws(*arguments: str) -> object:
        return run_aws(tools, signed_login, *arguments, service="kms")

    key = run_aws(tools, signed_login, "create-key", "--description", "orders", service="kms")["KeyMetadata"]["KeyId"]
    assert aws("create-alias", "--alias-name", "alias/orders", "--target-key-id", key) == {}
    secret, sealed = tmp_path / "secret", tmp_path / "sealed"
    secret.write_bytes(b"secret")
    given = ("--key-id", "alias/orders", "--plaintext", f"fileb://{secret}")
    sealed.write_bytes(b64decode(run_aws(tools, signed_login, "encrypt", *given, service="kms")["CiphertextBlob"]))
    blob = f"fileb://{sealed}"
    opened = run_aws(tools, signed_login, "decrypt", "--ciphertext-blob", blob, service="kms")
    assert b64decode(opened["Plaintext"]) == b"secret"
    assert aws("disable-key", "--key-id", key) == {}
    assert aws("decrypt", "--ciphertext-blob", blob) == Failure("DisabledException")
