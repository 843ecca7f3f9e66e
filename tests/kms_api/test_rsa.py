"""Keys of RSA that encrypt: what they and others make of the same key is the same."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from tests.kms_api.kms_kit import Kms, refused
from tests.kms_api.test_permission import statement, user

from statordb.store.kms import signing

ALGORITHMS = {"RSAES_OAEP_SHA_1": hashes.SHA1, "RSAES_OAEP_SHA_256": hashes.SHA256}

PRIVATE = b64decode((Path(__file__).parent / "rsa_2048.txt").read_text())  # to make one takes the processor a while


@pytest.fixture(autouse=True)
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "generate", lambda spec: PRIVATE)


def key(kms: Kms) -> str:
    arn: str = kms.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["Arn"]
    return arn


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_others_encrypt_by_the_public_key(kms: Kms, algorithm: str) -> None:
    arn = key(kms)
    told = kms.client.get_public_key(KeyId=arn)
    assert (told["KeyUsage"], told["EncryptionAlgorithms"]) == ("ENCRYPT_DECRYPT", list(ALGORITHMS))
    assert "SigningAlgorithms" not in told
    public: Any = serialization.load_der_public_key(told["PublicKey"])
    digest = ALGORITHMS[algorithm]()
    theirs = public.encrypt(b"secret", padding.OAEP(padding.MGF1(digest), digest, None))
    ours = kms.client.encrypt(KeyId=arn, Plaintext=b"secret", EncryptionAlgorithm=algorithm)
    assert (ours["KeyId"], ours["EncryptionAlgorithm"]) == (arn, algorithm)
    kms.restart()
    for sealed in (theirs, ours["CiphertextBlob"]):
        opened = kms.client.decrypt(KeyId=arn, CiphertextBlob=sealed, EncryptionAlgorithm=algorithm)
        assert (opened["Plaintext"], opened["EncryptionAlgorithm"]) == (b"secret", algorithm)
        assert "KeyMaterialId" not in opened
    metadata = kms.client.describe_key(KeyId=arn)["KeyMetadata"]
    assert (metadata["KeyUsage"], metadata["EncryptionAlgorithms"]) == ("ENCRYPT_DECRYPT", list(ALGORITHMS))


def test_what_does_not_fit_is_refused(kms: Kms) -> None:
    arn, oaep = key(kms), {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    sealed = kms.client.encrypt(KeyId=arn, Plaintext=b"x" * 190, **oaep)["CiphertextBlob"]
    assert refused(kms.client.encrypt, KeyId=arn, Plaintext=b"x" * 191, **oaep) == (
        "ValidationException",
        "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes.",
    )
    assert refused(kms.client.encrypt, KeyId=arn, Plaintext=b"x") == (
        "InvalidKeyUsageException",
        f"The algorithm SYMMETRIC_DEFAULT is incompatible with the key spec RSA_2048 of {arn}.",
    )
    given = {"CiphertextBlob": sealed, **oaep}
    assert refused(kms.client.decrypt, **given)[0] == "ValidationException", "it does not tell its key"
    assert refused(kms.client.decrypt, KeyId=arn, **{**given, "CiphertextBlob": sealed[:-1] + bytes([sealed[-1] ^ 1])})[
        0
    ] == ("InvalidCiphertextException")
    other = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}
    assert refused(kms.client.decrypt, KeyId=arn, **{**given, **other})[0] == "InvalidCiphertextException"
    assert refused(kms.client.decrypt, KeyId=arn, CiphertextBlob=sealed)[0] == "InvalidKeyUsageException"
    context = {"EncryptionContext": {"a": "b"}}
    assert refused(kms.client.encrypt, KeyId=arn, Plaintext=b"x", **oaep, **context)[0] == "ValidationException"
    assert refused(kms.client.decrypt, KeyId=kms.key()["Arn"], **given)[0] == "InvalidKeyUsageException"
    assert refused(kms.client.encrypt, KeyId=arn, Plaintext=b"x", **oaep, DryRun=True)[0] == "DryRunOperationException"
    kms.client.disable_key(KeyId=arn)
    assert refused(kms.client.decrypt, KeyId=arn, **given)[0] == "DisabledException"


def test_it_is_for_nothing_else(kms: Kms) -> None:
    arn, usage = key(kms), "InvalidKeyUsageException"
    assert refused(kms.client.generate_data_key, KeyId=arn, KeySpec="AES_256")[0] == usage
    assert refused(kms.client.generate_data_key_pair, KeyId=arn, KeyPairSpec="ECC_NIST_P256")[0] == usage
    sign = {"Message": b"a", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert refused(kms.client.sign, KeyId=arn, **sign)[0] == usage
    for call in (kms.client.enable_key_rotation, kms.client.rotate_key_on_demand):
        assert refused(call, KeyId=arn)[0] == "UnsupportedOperationException"
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=arn)
    assert refused(kms.client.update_alias, AliasName="alias/a", TargetKeyId=kms.key()["KeyId"])[0] == (
        "ValidationException"
    )


def test_ciphertexts_go_from_one_kind_of_key_to_another(kms: Kms) -> None:
    arn, symmetric, oaep = key(kms), kms.key()["Arn"], "RSAES_OAEP_SHA_256"
    sealed = kms.client.encrypt(KeyId=symmetric, Plaintext=b"secret")["CiphertextBlob"]
    there = kms.client.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=arn, DestinationEncryptionAlgorithm=oaep)
    assert (there["DestinationEncryptionAlgorithm"], "DestinationKeyMaterialId" in there) == (oaep, False)
    assert there["SourceKeyMaterialId"]
    back = kms.client.re_encrypt(
        CiphertextBlob=there["CiphertextBlob"],
        SourceKeyId=arn,
        SourceEncryptionAlgorithm=oaep,
        DestinationKeyId=symmetric,
    )
    assert kms.client.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"secret"
    large = kms.client.encrypt(KeyId=symmetric, Plaintext=b"x" * 191)["CiphertextBlob"]
    to = {"DestinationKeyId": arn, "DestinationEncryptionAlgorithm": oaep}
    assert refused(kms.client.re_encrypt, CiphertextBlob=large, **to)[0] == "ValidationException"


def test_policies_may_ask_for_the_algorithm(kms: Kms) -> None:
    arn = key(kms)
    asks = {"StringEquals": {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}}
    ada = kms.connect(user(statement("kms:Encrypt", Condition=asks)))
    ada.encrypt(KeyId=arn, Plaintext=b"a", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    for other in ("RSAES_OAEP_SHA_1", "SYMMETRIC_DEFAULT"):
        code, _ = refused(ada.encrypt, KeyId=arn, Plaintext=b"a", EncryptionAlgorithm=other)
        assert code == "AccessDeniedException"
