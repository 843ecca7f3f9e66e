"""The authority and the certificate that the server makes itself."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509

from statordb.server.tls.issuing import AUTHORITY_NAME, SERVER_NAME, issue

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
NAMES = ("db.example", "192.0.2.1")


def after(days: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=days)


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_names_are_those_of_the_machine_and_of_the_settings(tmp_path: Path) -> None:
    assert issue(tmp_path, NAMES, NOW)
    certificate = read(tmp_path / SERVER_NAME)
    told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(told.get_values_for_type(x509.DNSName)) == {"localhost", "db.example"}
    assert {str(address) for address in told.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "192.0.2.1"}
    certificate.verify_directly_issued_by(read(tmp_path / AUTHORITY_NAME))


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    issue(tmp_path / "tls", NAMES, NOW)
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}


def test_what_is_good_is_kept(tmp_path: Path) -> None:
    issue(tmp_path, NAMES, NOW)
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert not issue(tmp_path, NAMES, after(59))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize(
    ("names", "days"), [(NAMES, 61), (("other.example",), 0)], ids=["its end is near", "new names"]
)
def test_a_certificate_is_renewed_under_the_same_authority(tmp_path: Path, names: tuple[str, ...], days: int) -> None:
    issue(tmp_path, NAMES, NOW)
    known = (tmp_path / AUTHORITY_NAME).read_bytes()
    assert issue(tmp_path, names, after(days))
    assert (tmp_path / AUTHORITY_NAME).read_bytes() == known
    assert read(tmp_path / SERVER_NAME).not_valid_after_utc == after(days + 90)


def test_a_new_authority_is_known_by_the_old_one(tmp_path: Path) -> None:
    """Clients that have not been given it yet go on."""
    issue(tmp_path, NAMES, NOW)
    old = read(tmp_path / AUTHORITY_NAME)
    assert issue(tmp_path, NAMES, after(3650 - 399))
    new = read(tmp_path / AUTHORITY_NAME)
    assert new.not_valid_after_utc > old.not_valid_after_utc
    read(tmp_path / SERVER_NAME).verify_directly_issued_by(old)
    read(tmp_path / SERVER_NAME).verify_directly_issued_by(new)


def test_a_lost_key_makes_a_new_authority(tmp_path: Path) -> None:
    issue(tmp_path, NAMES, NOW)
    (tmp_path / "ca-key.pem").unlink()
    assert issue(tmp_path, NAMES, NOW)
    read(tmp_path / SERVER_NAME).verify_directly_issued_by(read(tmp_path / AUTHORITY_NAME))


def test_a_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    (tmp_path / SERVER_NAME).write_text("x")
    with pytest.raises(ValueError):
        issue(tmp_path, NAMES, NOW)
