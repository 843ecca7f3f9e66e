"""The server's own authority: makes itself known by a file, and signs the certificate that clients are shown.

Lives in a directory beside the store: `ca.pem`, which clients are given, `ca-key.pem`, and `server.pem`, the
certificate with its key, in one file so that both are replaced in one go.
"""

import datetime
import ipaddress
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_NAME, AUTHORITY_KEY_NAME, SERVER_NAME = "ca.pem", "ca-key.pem", "server.pem"
AUTHORITY_DAYS = 3650
AUTHORITY_RENEWED_DAYS = 400  # before its end: clients have more than a year to be given the new one
SERVER_DAYS = 90
SERVER_RENEWED_DAYS = 30  # before its end
BACKDATED = datetime.timedelta(hours=1)  # for clients whose clocks are behind
ALWAYS = ("localhost", "127.0.0.1", "::1")
NAME_CHARACTERS_MAX = 64  # of a common name (X.520)

Moment = datetime.datetime


def issue(directory: Path, names: Collection[str], now: Moment) -> bool:
    """See that the certificate there is for `names`, hosts and addresses, and will hold for a while; make what is
    missing or about to end. Returns whether anything was made. Raises OSError, ValueError of files that are none."""
    directory.mkdir(mode=0o700, exist_ok=True)
    wanted = list(dict.fromkeys([*ALWAYS, *sorted(names)]))
    authority = _read(directory / AUTHORITY_NAME)
    key = _read_key(directory / AUTHORITY_KEY_NAME)
    if authority is None or key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        _write(directory / AUTHORITY_KEY_NAME, _pem_of(key))
        authority = None
    if authority is None or _ends_within(authority, AUTHORITY_RENEWED_DAYS, now):
        authority = _authority(key, None if authority is None else authority.subject, now)
        _write(directory / AUTHORITY_NAME, authority.public_bytes(serialization.Encoding.PEM))
    found = _read(directory / SERVER_NAME)
    if found is not None and _is_good(found, authority, wanted, now):
        return False
    server_key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(server_key, wanted, authority, key, now)
    _write(directory / SERVER_NAME, _pem_of(server_key) + certificate.public_bytes(serialization.Encoding.PEM))
    return True


def _is_good(found: x509.Certificate, authority: x509.Certificate, wanted: list[str], now: Moment) -> bool:
    if _ends_within(found, SERVER_RENEWED_DAYS, now):
        return False
    try:
        found.verify_directly_issued_by(authority)
    except Exception:  # whatever it is that does not fit, another one is made
        return False
    told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(told) == [_general_name(name) for name in wanted]


def _ends_within(certificate: x509.Certificate, days: int, now: Moment) -> bool:
    return certificate.not_valid_after_utc - now < datetime.timedelta(days=days)


def _authority(key: ec.EllipticCurvePrivateKey, name: x509.Name | None, now: Moment) -> x509.Certificate:
    """A new authority; or one of the same name and key, so that clients who only know the old one go on."""
    name = name or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"StatorDB {secrets.token_hex(4)}")])
    return (
        _builder(name, name, key.public_key(), key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: Moment,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[-1][:NAME_CHARACTERS_MAX])])
    return (
        _builder(subject, authority.subject, key.public_key(), authority_key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: Moment,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _read(path: Path) -> x509.Certificate | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return x509.load_pem_x509_certificate(data)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    key = serialization.load_pem_private_key(data, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is no key of an elliptic curve")
    return key


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    """Replace a file in one go, so that a crash leaves the old one or the new one."""
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
