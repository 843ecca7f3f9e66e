"""Certificates for tests: authorities, and what they sign."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

FOR_SERVERS = ExtendedKeyUsageOID.SERVER_AUTH
FOR_CLIENTS = ExtendedKeyUsageOID.CLIENT_AUTH
VALID = timedelta(hours=1)


class Identity(NamedTuple):
    """A certificate and its key, as PEM text."""

    certificate: str
    key: str


class Authority:
    """Signs certificates that hold for an hour; `certificate` is its own, as PEM text."""

    def __init__(self, name: str) -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        draft = self._draft(name, self._key, datetime.now(UTC) + VALID)
        own = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = self._sign(own)

    def issue(self, name: str, purpose: ObjectIdentifier, *, expired: bool = False) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        draft = self._draft(name, key, datetime.now(UTC) + (-VALID if expired else VALID))
        certificate = self._sign(draft.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False))
        return Identity(certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    def _draft(self, name: str, key: ec.EllipticCurvePrivateKey, end: datetime) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=_name(name),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=end - 3 * VALID,
            not_valid_after=end,
        )

    def _sign(self, draft: x509.CertificateBuilder) -> str:
        return draft.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
