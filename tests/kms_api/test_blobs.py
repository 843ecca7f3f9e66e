"""What keys seal opens again, for who may, with the same encryption context, and nothing else does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kms_api.kms_kit import OTHER, Kms, refused

from statordb.store.kms.material import Forged, context_bytes, open, seal, take_apart
from statordb.store.kms.records import KeyName

NAME = KeyName("000000000000", "us-east-1", "12345678-1234-4234-8234-123456789012")
CONTEXT = {"table": "orders", "account": "a"}


def test_what_is_encrypted_is_decrypted(kms: Kms) -> None:
    key = kms.key()
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=key["KeyId"])
    sealed = kms.client.encrypt(KeyId="alias/a", Plaintext=b"secret", EncryptionContext=CONTEXT)
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (key["Arn"], "SYMMETRIC_DEFAULT")
    assert b"secret" not in sealed["CiphertextBlob"]
    kms.restart()
    for named in ({}, {"KeyId": key["Arn"]}, {"KeyId": "alias/a"}):
        opened = kms.client.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=CONTEXT, **named)
        assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", key["Arn"])


def test_what_does_not_fit_is_not_decrypted(kms: Kms) -> None:
    first, second = kms.key(), kms.key()
    blob = kms.client.encrypt(KeyId=first["KeyId"], Plaintext=b"a", EncryptionContext=CONTEXT)["CiphertextBlob"]
    invalid = "InvalidCiphertextException"
    assert refused(kms.client.decrypt, CiphertextBlob=blob)[0] == invalid
    assert refused(kms.client.decrypt, CiphertextBlob=blob, EncryptionContext={"table": "orders"})[0] == invalid
    assert refused(kms.client.decrypt, CiphertextBlob=blob[:-1], EncryptionContext=CONTEXT)[0] == invalid
    assert refused(kms.client.decrypt, CiphertextBlob=b"x", EncryptionContext=CONTEXT)[0] == invalid
    assert refused(kms.client.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=second["KeyId"]) == (
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
    others = kms.connect(OTHER)
    assert refused(others.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT)[0] == "AccessDeniedException"


def test_limits_of_what_is_sealed(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    blob = kms.client.encrypt(KeyId=id, Plaintext=b"x" * 4096)["CiphertextBlob"]
    assert kms.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x" * 4096
    assert refused(kms.client.encrypt, KeyId=id, Plaintext=b"x" * 4097) == (
        "ValidationException",
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=4097 cap=4097]' at 'plaintext' failed "
        "to satisfy constraint: Member must have length less than or equal to 4096",
    )
    assert refused(kms.client.encrypt, KeyId=id, Plaintext=b"")[0] == "ValidationException"
    assert refused(kms.client.decrypt, CiphertextBlob=b"x" * 6145)[0] == "ValidationException"
    large = {"a": "x" * 8192}
    assert refused(kms.client.encrypt, KeyId=id, Plaintext=b"x", EncryptionContext=large)[0] == "ValidationException"
    algorithm = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}
    assert refused(kms.client.encrypt, KeyId=id, Plaintext=b"x", **algorithm)[0] == "InvalidKeyUsageException"
    assert refused(kms.client.encrypt, KeyId=id, Plaintext=b"x", DryRun=True)[0] == "DryRunOperationException"


def test_a_ciphertext_goes_over_to_another_key(kms: Kms) -> None:
    first, second = kms.key(), kms.key()
    blob = kms.client.encrypt(KeyId=first["KeyId"], Plaintext=b"a", EncryptionContext=CONTEXT)["CiphertextBlob"]
    moved = kms.client.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=second["KeyId"]
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (first["Arn"], second["Arn"])
    kms.client.schedule_key_deletion(KeyId=first["KeyId"])
    assert kms.client.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"a"


@pytest.mark.parametrize(("given", "size"), [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16),
                                             ({"NumberOfBytes": 1024}, 1024)])  # fmt: skip
def test_data_keys(kms: Kms, given: dict[str, Any], size: int) -> None:
    id = kms.key()["KeyId"]
    made = kms.client.generate_data_key(KeyId=id, EncryptionContext=CONTEXT, **given)
    assert len(made["Plaintext"]) == size
    opened = kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]
    blind = kms.client.generate_data_key_without_plaintext(KeyId=id, **given)
    assert "Plaintext" not in blind
    assert len(kms.client.decrypt(CiphertextBlob=blind["CiphertextBlob"])["Plaintext"]) == size


def test_a_data_key_has_one_size(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    error = ("ValidationException", "Please specify either number of bytes or key spec.")
    assert refused(kms.client.generate_data_key, KeyId=id) == error
    assert refused(kms.client.generate_data_key, KeyId=id, KeySpec="AES_256", NumberOfBytes=5) == error
    assert refused(kms.client.generate_data_key, KeyId=id, NumberOfBytes=1025)[0] == "ValidationException"
    assert len(kms.client.generate_random(NumberOfBytes=33)["Plaintext"]) == 33
    assert refused(kms.client.generate_random)[0] == "ValidationException"


@given(blob=st.binary(max_size=200))
@settings(max_examples=200)
def test_bytes_that_are_no_blob_are_told(blob: bytes) -> None:
    with pytest.raises(Forged):
        open(take_apart(blob), b"k" * 32, b"")


@given(context=st.dictionaries(st.text(), st.text(), max_size=3), place=st.integers(0, 250))
@settings(max_examples=50)
def test_no_bit_of_a_blob_can_be_changed(context: dict[str, str], place: int) -> None:
    made = seal(NAME, 0, b"k" * 32, b"plaintext", context_bytes(context), lambda size: b"r" * size)
    assert open(take_apart(made), b"k" * 32, context_bytes(context)) == b"plaintext"
    at = place % len(made)
    changed = made[:at] + bytes((made[at] ^ 1,)) + made[at + 1 :]
    with pytest.raises(Forged):
        open(take_apart(changed), b"k" * 32, context_bytes(context))


def test_pairs_of_a_context_can_not_run_together() -> None:
    assert context_bytes({"a": "b"}) != context_bytes({"ab": ""}) != context_bytes({"": "ab"})
    assert context_bytes({"a": "1", "b": "2"}) == context_bytes({"b": "2", "a": "1"})
