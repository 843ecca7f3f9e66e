"""Key pairs of KMS's keys, and what they sign. All of it takes long enough to be called in a thread.

Private keys are bytes in PKCS 8's form, public ones in SubjectPublicKeyInfo's, and signatures as KMS has them: of RSA
as they are, of elliptic curves in DER (API reference of KMS, Sign).
"""

from typing import Any, cast

RSA_EXPONENT = 65_537
CURVE_BYTES_MAX = 512  # of a private key of a curve; larger keys of other kinds take long to be read
_CURVES = {
    "ECC_NIST_P256": "SECP256R1", "ECC_NIST_P384": "SECP384R1", "ECC_NIST_P521": "SECP521R1",
    "ECC_SECG_P256K1": "SECP256K1",
}  # fmt: skip
_DIGEST_BYTES = {"256": 32, "384": 48, "512": 64}


class WrongDigest(Exception):
    """A digest has not the length that an algorithm wants."""


def generate(spec: str) -> bytes:
    """A new private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # few servers have such keys
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made: Any
    if spec in _CURVES:
        made = ec.generate_private_key(getattr(ec, _CURVES[spec])())
    else:
        made = rsa.generate_private_key(RSA_EXPONENT, int(spec.removeprefix("RSA_")))
    return cast(bytes, made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def public(private: bytes) -> bytes:
    """The public key of a private one."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found = loaded(private).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return cast(bytes, found)


def sign(private: bytes, algorithm: str, message: bytes, is_digest: bool) -> bytes:
    """The signature of a message, or of its digest. Raises WrongDigest."""
    return cast(bytes, loaded(private).sign(message, *_way(algorithm, message, is_digest)))


def verify(private: bytes, algorithm: str, message: bytes, signature: bytes, is_digest: bool) -> bool:
    """Whether a signature is one of the key. Raises WrongDigest."""
    from cryptography.exceptions import InvalidSignature

    try:
        loaded(private).public_key().verify(signature, message, *_way(algorithm, message, is_digest))
    except InvalidSignature:
        return False
    return True


def loaded(private: bytes) -> Any:
    """A private key as `cryptography` has it."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    # One of RSA was made here, and sealed since: to prove again that it is one takes a hundred times as long.
    return load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)


def is_of(spec: str, private: bytes) -> bool:
    """Whether bytes that somebody brought are a private key of a curve. Of RSA none is: to prove that one is sound
    keeps the interpreter for 0.3 s, or for seconds, and what is not sound OpenSSL is not made for."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec

    if spec not in _CURVES or len(private) > CURVE_BYTES_MAX:
        return False
    try:
        found = loaded(private)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(found, ec.EllipticCurvePrivateKey) and found.curve.name == _CURVES[spec].lower()


def _way(algorithm: str, message: bytes, is_digest: bool) -> tuple[Any, ...]:
    """What an algorithm is for `cryptography`."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    bits = algorithm.rpartition("_")[2]
    plain = getattr(hashes, f"SHA{bits}")()
    if is_digest and len(message) != _DIGEST_BYTES[bits]:
        raise WrongDigest
    digest = utils.Prehashed(plain) if is_digest else plain
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(digest),)
    if "PSS" in algorithm:
        return padding.PSS(padding.MGF1(plain), plain.digest_size), digest
    return padding.PKCS1v15(), digest
