"""Keys that sign, whose signatures others can judge by the public key."""

import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from tests.kms_api.kms_kit import Kms, refused

SIGNS = {"KeyUsage": "SIGN_VERIFY"}
CURVES = {"P256": ("NIST", 256), "P384": ("NIST", 384), "P521": ("NIST", 512), "P256K1": ("SECG", 256)}


def key(kms: Kms, spec: str = "ECC_NIST_P256") -> str:
    arn: str = kms.key(KeySpec=spec, **SIGNS)["Arn"]
    return arn


def public(kms: Kms, arn: str) -> Any:
    return serialization.load_der_public_key(kms.client.get_public_key(KeyId=arn)["PublicKey"])


@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_of_a_curve_is_good_for_others(kms: Kms, curve: str) -> None:
    family, bits = CURVES[curve]
    arn, algorithm = key(kms, f"ECC_{family}_{curve}"), f"ECDSA_SHA_{bits}"
    found = kms.client.describe_key(KeyId=arn)["KeyMetadata"]
    assert (found["KeyUsage"], found["SigningAlgorithms"]) == ("SIGN_VERIFY", [algorithm])
    given = {"KeyId": arn, "Message": b"hello", "SigningAlgorithm": algorithm}
    signature = kms.client.sign(**given)["Signature"]
    kms.restart()
    public(kms, arn).verify(signature, b"hello", ec.ECDSA(getattr(hashes, f"SHA{bits}")()))
    assert kms.client.verify(**given, Signature=signature)["SignatureValid"] is True
    digest = {**given, "Message": hashlib.new(f"sha{bits}", b"hello").digest(), "MessageType": "DIGEST"}
    assert kms.client.verify(**digest, Signature=kms.client.sign(**digest)["Signature"])["SignatureValid"] is True
    assert kms.client.verify(**digest, Signature=signature)["SignatureValid"] is True
    for wrong in ({"Message": b"hello!"}, {"KeyId": key(kms, f"ECC_{family}_{curve}")}):
        assert (
            refused(kms.client.verify, **{**given, **wrong}, Signature=signature)[0] == "KMSInvalidSignatureException"
        )
    assert refused(kms.client.verify, **given, Signature=b"none")[0] == "KMSInvalidSignatureException"


@pytest.mark.slow  # to make a key of RSA takes the processor a while
def test_a_signature_of_rsa_is_good_for_others(kms: Kms) -> None:
    arn = key(kms, "RSA_2048")
    for algorithm in kms.client.get_public_key(KeyId=arn)["SigningAlgorithms"]:
        given = {"KeyId": arn, "Message": b"hello", "SigningAlgorithm": algorithm}
        signature = kms.client.sign(**given)["Signature"]
        hash = getattr(hashes, f"SHA{algorithm[-3:]}")()
        pss = padding.PSS(padding.MGF1(hash), hash.digest_size)
        public(kms, arn).verify(signature, b"hello", pss if "PSS" in algorithm else padding.PKCS1v15(), hash)
        assert kms.client.verify(**given, Signature=signature)["SignatureValid"] is True
        with pytest.raises(InvalidSignature):
            public(kms, arn).verify(signature, b"hello", padding.PKCS1v15() if "PSS" in algorithm else pss, hash)
        digest = {**given, "Message": hashlib.new(f"sha{algorithm[-3:]}", b"hello").digest(), "MessageType": "DIGEST"}
        assert kms.client.verify(**digest, Signature=signature)["SignatureValid"] is True


def test_a_key_is_for_what_it_is_for(kms: Kms) -> None:
    arn, sealing = key(kms), kms.key()["Arn"]
    given = {"Message": b"a", "SigningAlgorithm": "ECDSA_SHA_256"}
    code, text = refused(kms.client.encrypt, KeyId=arn, Plaintext=b"a")
    assert (code, text) == (
        "InvalidKeyUsageException", f"{arn} key usage is SIGN_VERIFY which is not valid for Encrypt.",
    )  # fmt: skip
    assert refused(kms.client.sign, KeyId=sealing, **given)[0] == "InvalidKeyUsageException"
    assert refused(kms.client.get_public_key, KeyId=sealing)[0] == "UnsupportedOperationException"
    wrong = {**given, "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert refused(kms.client.sign, KeyId=arn, **wrong)[0] == "InvalidKeyUsageException"
    short = {**given, "MessageType": "DIGEST"}
    assert refused(kms.client.sign, KeyId=arn, **short) == (
        "ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.",
    )  # fmt: skip
    assert refused(kms.client.sign, KeyId=arn, **given, DryRun=True)[0] == "DryRunOperationException"
    for call in (kms.client.enable_key_rotation, kms.client.rotate_key_on_demand):
        assert refused(call, KeyId=arn)[0] == "UnsupportedOperationException"
    kms.client.disable_key(KeyId=arn)
    assert refused(kms.client.sign, KeyId=arn, **given)[0] == "DisabledException"
    assert refused(kms.client.get_public_key, KeyId=arn)[0] == "DisabledException"
