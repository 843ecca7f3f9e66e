"""Keys whose material is brought from elsewhere: imported, expired, deleted, brought again."""

import hmac
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key
from tests.kms_api.kms_kit import DAY, Kms, refused
from tests.kms_api.test_rsa import PRIVATE

from statordb.store.kms import imports
from statordb.store.kms.pairs import Pairs

MATERIAL = bytes(range(32))
STAYS = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
OAEP = "RSAES_OAEP_SHA_256"


def wrapped(public: bytes, algorithm: str, material: bytes) -> bytes:
    """What somebody sends who has no code of this server's: by OpenSSL's means, as the developer guide says it."""
    key: Any = load_der_public_key(public)
    digest = getattr(hashes, f"SHA{algorithm.rpartition('_')[2]}")()
    way = padding.OAEP(padding.MGF1(digest), digest, None)
    if algorithm.startswith("RSAES"):
        return bytes(key.encrypt(material, way))
    aes = os.urandom(32)
    return bytes(key.encrypt(aes, way)) + aes_key_wrap_with_padding(aes, material)


@pytest.fixture(autouse=True)
def _one_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of RSA takes long to make."""

    async def made(pairs: Pairs, spec: str) -> bytes:
        return PRIVATE

    monkeypatch.setattr(Pairs, "make", made)


def bring(kms: Kms, key: str, material: bytes = MATERIAL, algorithm: str = OAEP, **given: Any) -> Any:
    told = kms.client.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    sent = wrapped(told["PublicKey"], algorithm, material)
    return kms.client.import_key_material(
        KeyId=key, ImportToken=told["ImportToken"], EncryptedKeyMaterial=sent, **(given or STAYS)
    )


def external(kms: Kms, **given: Any) -> str:
    arn: str = kms.key(Origin="EXTERNAL", **given)["Arn"]
    return arn


def shown(kms: Kms, key: str) -> Any:
    return kms.client.describe_key(KeyId=key)["KeyMetadata"]


def test_a_key_waits_for_its_material_and_can_be_used_with_it(kms: Kms) -> None:
    key = external(kms)
    told = shown(kms, key)
    assert (told["Origin"], told["KeyState"], told["Enabled"]) == ("EXTERNAL", "PendingImport", False)
    assert not {"ExpirationModel", "ValidTo", "CurrentKeyMaterialId"} & set(told)
    pending = ("KMSInvalidStateException", f"{key} is pending import.")
    assert refused(kms.client.encrypt, KeyId=key, Plaintext=b"x") == pending
    assert refused(kms.client.enable_key, KeyId=key) == pending
    assert refused(kms.client.disable_key, KeyId=key) == pending
    made = bring(kms, key)
    assert made["KeyId"] == key
    told = shown(kms, key)
    assert (told["KeyState"], told["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert told["CurrentKeyMaterialId"] == made["KeyMaterialId"]
    blob = kms.client.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    kms.restart()
    assert kms.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"


@pytest.mark.parametrize(
    "algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
)
def test_each_way_to_wrap_material(kms: Kms, algorithm: str) -> None:
    key = external(kms)
    bring(kms, key, algorithm=algorithm)
    assert shown(kms, key)["KeyState"] == "Enabled"


def test_what_was_deleted_comes_back_by_the_same_material_alone(kms: Kms) -> None:
    key = external(kms)
    first = bring(kms, key)["KeyMaterialId"]
    blob = kms.client.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    gone = kms.client.delete_imported_key_material(KeyId=key)
    assert (gone["KeyId"], gone["KeyMaterialId"]) == (key, first)
    assert shown(kms, key)["KeyState"] == "PendingImport"
    assert refused(kms.client.decrypt, CiphertextBlob=blob) == ("KMSInvalidStateException", f"{key} is pending import.")
    told = kms.client.get_parameters_for_import(KeyId=key, WrappingAlgorithm=OAEP, WrappingKeySpec="RSA_2048")
    other = wrapped(told["PublicKey"], OAEP, bytes(32))
    ask = {"KeyId": key, "ImportToken": told["ImportToken"], "EncryptedKeyMaterial": other, **STAYS}
    assert refused(kms.client.import_key_material, **ask)[0] == "IncorrectKeyMaterialException"
    assert shown(kms, key)["KeyState"] == "PendingImport"
    assert bring(kms, key)["KeyMaterialId"] == first
    assert kms.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"


def test_no_material_that_is_gone_is_kept(kms: Kms) -> None:
    key = external(kms)
    bring(kms, key)
    kms.client.delete_imported_key_material(KeyId=key)
    (record,), _ = kms.run(kms.store.kms.keys.chunk(None))
    assert [material.sealed for material in record.materials] == [""]


def test_material_expires_at_its_time_and_is_deleted_by_the_keeper(kms: Kms) -> None:
    key = external(kms)
    until = kms.clock.now() + DAY
    bring(kms, key, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until)
    told = shown(kms, key)
    assert (told["ExpirationModel"], told["ValidTo"].timestamp()) == ("KEY_MATERIAL_EXPIRES", pytest.approx(until))
    kms.clock.advance(DAY - 1)
    blob = kms.client.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    kms.clock.advance(1)
    assert refused(kms.client.decrypt, CiphertextBlob=blob)[0] == "KMSInvalidStateException"
    assert shown(kms, key)["KeyState"] == "PendingImport"
    (stored,), _ = kms.run(kms.store.kms.keys.chunk(None))
    assert stored.has_material, "the keeper has not come to it"
    kms.keep()
    (stored,), _ = kms.run(kms.store.kms.keys.chunk(None))
    assert not stored.has_material
    bring(kms, key)
    assert kms.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "ValidationException"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "ValidationException"),
        ({**STAYS, "ValidTo": 4_000_000_000.0}, "ValidationException"),
        ({"ValidTo": 1.0}, "ValidationException"),
        ({"ValidTo": 90_000_000_000.0}, "ValidationException"),
        ({**STAYS, "ImportType": "EXISTING_KEY_MATERIAL"}, "IncorrectKeyMaterialException"),
        ({**STAYS, "KeyMaterialId": "0" * 64}, "IncorrectKeyMaterialException"),
    ],
)
def test_what_is_wrong_with_an_import(kms: Kms, given: dict[str, Any], code: str) -> None:
    key = external(kms)
    told = kms.client.get_parameters_for_import(KeyId=key, WrappingAlgorithm=OAEP, WrappingKeySpec="RSA_2048")
    ask = {"KeyId": key, "ImportToken": told["ImportToken"]}
    sent = wrapped(told["PublicKey"], OAEP, MATERIAL)
    assert refused(kms.client.import_key_material, **ask, EncryptedKeyMaterial=sent, **given)[0] == code
    assert shown(kms, key)["KeyState"] == "PendingImport"


def test_a_token_is_for_one_key_and_for_a_day(kms: Kms) -> None:
    key, other = external(kms), external(kms)
    told = kms.client.get_parameters_for_import(KeyId=key, WrappingAlgorithm=OAEP, WrappingKeySpec="RSA_2048")
    assert told["ParametersValidTo"].timestamp() == pytest.approx(kms.clock.now() + DAY)
    sent = {"EncryptedKeyMaterial": wrapped(told["PublicKey"], OAEP, MATERIAL), **STAYS}
    call, token = kms.client.import_key_material, told["ImportToken"]
    assert refused(call, KeyId=other, ImportToken=token, **sent)[0] == "InvalidImportTokenException"
    for wrong in (b"x", token[:-1] + bytes([token[-1] ^ 1])):
        assert refused(call, KeyId=key, ImportToken=wrong, **sent)[0] == "InvalidImportTokenException"
    garbage = {**sent, "EncryptedKeyMaterial": bytes(256)}
    assert refused(call, KeyId=key, ImportToken=token, **garbage)[0] == "InvalidCiphertextException"
    short = {**sent, "EncryptedKeyMaterial": wrapped(told["PublicKey"], OAEP, MATERIAL[1:])}
    assert refused(call, KeyId=key, ImportToken=token, **short)[0] == "IncorrectKeyMaterialException"
    kms.clock.advance(DAY)
    assert refused(call, KeyId=key, ImportToken=token, **sent)[0] == "ExpiredImportTokenException"


def test_keys_with_material_of_kms_take_no_other(kms: Kms) -> None:
    made, own = kms.key()["Arn"], external(kms)
    text = f"{made} origin is AWS_KMS which is not valid for this operation."
    call = kms.client.get_parameters_for_import
    refusal = ("UnsupportedOperationException", text)
    assert refused(call, KeyId=made, WrappingAlgorithm=OAEP, WrappingKeySpec="RSA_2048") == refusal
    assert refused(kms.client.delete_imported_key_material, KeyId=made) == refusal
    for algorithm, spec in (("RSAES_PKCS1_V1_5", "RSA_2048"), ("SM2PKE", "SM2")):
        told = refused(call, KeyId=own, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
        assert told[0] == "UnsupportedOperationException"
    bring(kms, own)
    rotations = (kms.client.enable_key_rotation, kms.client.rotate_key_on_demand)
    for rotate in rotations:
        assert refused(rotate, KeyId=own) == (
            "UnsupportedOperationException", f"{own} origin is EXTERNAL which is not valid for this operation.",
        )  # fmt: skip


def test_a_key_that_waits_for_its_deletion_takes_none_but_gives_it_up(kms: Kms) -> None:
    key = external(kms)
    bring(kms, key)
    kms.client.schedule_key_deletion(KeyId=key)
    told = refused(kms.client.get_parameters_for_import, KeyId=key, WrappingAlgorithm=OAEP, WrappingKeySpec="RSA_2048")
    assert told == ("KMSInvalidStateException", f"{key} is pending deletion.")
    kms.client.delete_imported_key_material(KeyId=key)
    assert shown(kms, key)["KeyState"] == "PendingDeletion"
    kms.client.cancel_key_deletion(KeyId=key)
    assert shown(kms, key)["KeyState"] == "PendingImport"


def test_codes_are_those_of_whoever_else_has_the_key(kms: Kms) -> None:
    key = external(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    bring(kms, key)
    made = kms.client.generate_mac(KeyId=key, Message=b"hello", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert made == hmac.digest(MATERIAL, b"hello", "sha256")


def test_signatures_are_those_of_the_private_key_that_was_brought(kms: Kms) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    encoded = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = external(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert refused(lambda: bring(kms, key, other, "RSA_AES_KEY_WRAP_SHA_256"))[0] == "IncorrectKeyMaterialException"
    assert refused(kms.client.get_public_key, KeyId=key)[0] == "KMSInvalidStateException"
    bring(kms, key, encoded, "RSA_AES_KEY_WRAP_SHA_256")
    signed = kms.client.sign(KeyId=key, Message=b"hello", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    private.public_key().verify(signed, b"hello", ec.ECDSA(hashes.SHA256()))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = kms.client.get_public_key(KeyId=key)["PublicKey"]
    assert public == private.public_key().public_bytes(Encoding.DER, form)


@pytest.mark.parametrize(
    ("operation", "given"),
    [("replicate_key", {"ReplicaRegion": "eu-west-1"}), ("update_primary_region", {"PrimaryRegion": "eu-west-1"})],
)
def test_no_key_has_replicas(kms: Kms, operation: str, given: dict[str, str]) -> None:
    key = kms.key()["Arn"]
    assert refused(getattr(kms.client, operation), KeyId=key, **given)[0] == "UnsupportedOperationException"
    assert refused(kms.client.create_key, MultiRegion=True)[0] == "UnsupportedOperationException"


def test_keys_of_rsa_are_not_brought(kms: Kms) -> None:
    """To prove one sound takes seconds in which nobody else is served: not even one in the place of another is."""
    told = refused(kms.client.create_key, Origin="EXTERNAL", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    assert told[0] == "UnsupportedOperationException"
    key = external(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for wrong in (PRIVATE, PRIVATE[:-1], b"\x30\x80" * 500, b"x"):
        code, _ = refused(lambda wrong=wrong: bring(kms, key, wrong, "RSA_AES_KEY_WRAP_SHA_256"))  # type: ignore[misc]
        assert code == "IncorrectKeyMaterialException"


def test_the_id_of_material_tells_nothing_of_it_and_differs_by_key(kms: Kms) -> None:
    names = [kms.store.kms.keys.draft("000000000000", "us-east-1", "").name for _ in range(2)]
    ids = {imports.material_id(name, MATERIAL) for name in names}
    assert len(ids) == 2
    assert all(len(id) == 64 for id in ids)
