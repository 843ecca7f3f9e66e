"""What keys of RSA encrypt: RSAES-OAEP with SHA-1 or SHA-256. Takes long enough to be called in a thread.

A private key is one in PKCS 8's form. API reference of KMS, Encrypt: the ciphertext is that of RSA as it is, so others
make the same with the public key.
"""

from typing import Any, cast

from statordb.store.kms import signing
from statordb.store.kms.material import Forged

_DIGEST_BYTES = {"RSAES_OAEP_SHA_1": 20, "RSAES_OAEP_SHA_256": 32}


def plaintext_bytes_max(spec: str, algorithm: str) -> int:
    """How long what a key of a spec such as RSA_2048 encrypts may be."""
    return int(spec.removeprefix("RSA_")) // 8 - 2 * _DIGEST_BYTES[algorithm] - 2


def encrypt(private: bytes, algorithm: str, plaintext: bytes) -> bytes:
    return cast(bytes, signing.loaded(private).public_key().encrypt(plaintext, padding(algorithm)))


def decrypt(private: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Raises Forged."""
    try:
        return cast(bytes, signing.loaded(private).decrypt(ciphertext, padding(algorithm)))
    except ValueError:
        raise Forged from None


def padding(algorithm: str) -> Any:
    """Of an algorithm whose name ends with that of a digest."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

    digest = getattr(hashes, f"SHA{algorithm.rpartition('_')[2]}")()
    return OAEP(MGF1(digest), digest, None)
