"""Rotation: new material for a key. What older material has sealed stays readable."""

from dataclasses import replace

from statordb.store.kms.records import AUTOMATIC, ENABLED, ON_DEMAND, KeyRecord, MaterialRecord

DAY_SECONDS = 86_400.0
PERIOD_DAYS = 365  # where none is given, and of keys that AWS manages


def is_due(record: KeyRecord, now: float) -> bool:
    """Whether a key rotates by itself now. One that is disabled does so once it is enabled again, as on AWS."""
    return record.rotates_at is not None and record.rotates_at <= now and record.state == ENABLED


def rotated(record: KeyRecord, material: MaterialRecord, now: float) -> KeyRecord:
    """The key with new material."""
    changed = replace(record, materials=[*record.materials, material])
    return scheduled(changed, record.period_days, now) if material.cause == AUTOMATIC else changed


def scheduled(record: KeyRecord, period_days: int | None, now: float) -> KeyRecord:
    """The key as it rotates by itself from now on; None: not any more."""
    rotates_at = None if period_days is None else now + period_days * DAY_SECONDS
    return replace(record, period_days=period_days, rotates_at=rotates_at)


def on_demand(record: KeyRecord) -> int:
    """How often it was rotated on demand."""
    return sum(material.cause == ON_DEMAND for material in record.materials)
