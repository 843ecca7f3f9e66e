"""Key pairs that are made for whoever asks."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.kms_api.kms_kit import Kms, refused

from statordb.engine.contract import Overloaded
from statordb.store.kms import signing
from statordb.store.kms.pairs import PAIRS_WAITING_MAX, Pairs

CONTEXT = {"table": "orders"}


def public_of(private: bytes) -> bytes:
    key: Any = serialization.load_der_private_key(private, None)
    found: bytes = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P521", "ECC_SECG_P256K1"])
def test_a_pair_of_a_curve_is_sealed_by_the_key(kms: Kms, spec: str) -> None:
    arn = kms.key()["Arn"]
    given = {"KeyId": arn, "KeyPairSpec": spec, "EncryptionContext": CONTEXT}
    made = kms.client.generate_data_key_pair(**given)
    assert (made["KeyId"], made["KeyPairSpec"]) == (arn, spec)
    kms.restart()
    opened = kms.client.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    assert public_of(opened["Plaintext"]) == made["PublicKey"]
    assert refused(kms.client.decrypt, CiphertextBlob=made["PrivateKeyCiphertextBlob"])[0] == (
        "InvalidCiphertextException"
    )
    hidden = kms.client.generate_data_key_pair_without_plaintext(**given)
    assert "PrivateKeyPlaintext" not in hidden
    opened = kms.client.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert public_of(opened["Plaintext"]) == hidden["PublicKey"] != made["PublicKey"]


@pytest.mark.slow  # to make a key of RSA takes the processor a while
def test_a_pair_of_rsa_fits_into_a_blob(kms: Kms) -> None:
    made = kms.client.generate_data_key_pair(KeyId=kms.key()["Arn"], KeyPairSpec="RSA_4096")
    opened = kms.client.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert public_of(opened) == made["PublicKey"]


def test_what_seals_no_data_seals_no_pair(kms: Kms) -> None:
    signs = kms.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["Arn"]
    seals = kms.key()["Arn"]
    pair = kms.client.generate_data_key_pair
    assert refused(pair, KeyId=signs, KeyPairSpec="ECC_NIST_P256")[0] == "InvalidKeyUsageException"
    assert refused(pair, KeyId=seals, KeyPairSpec="SM2")[0] == "UnsupportedOperationException"
    assert refused(pair, KeyId=seals, KeyPairSpec="ECC_NIST_P256", DryRun=True)[0] == "DryRunOperationException"
    kms.client.disable_key(KeyId=seals)
    assert refused(pair, KeyId=seals, KeyPairSpec="ECC_NIST_P256")[0] == "DisabledException"


def test_as_many_as_are_made_in_a_while_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "generate", lambda spec: b"made")

    async def story() -> None:
        pairs = Pairs()
        asked = [asyncio.ensure_future(pairs.make("RSA_4096")) for _ in range(PAIRS_WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await pairs.make("RSA_4096")
        assert await asyncio.gather(*asked) == [b"made"] * PAIRS_WAITING_MAX
        assert await pairs.make("RSA_4096") == b"made"

    asyncio.run(story())
