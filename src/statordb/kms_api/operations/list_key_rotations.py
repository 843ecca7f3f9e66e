"""ListKeyRotations."""

from typing import Any

from statordb.kms_api import pages
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import expiration
from statordb.store.kms.records import EXTERNAL, KeyRecord


async def list_key_rotations(context: Context, request: Request) -> Answer:
    record = await context.own_key("ListKeyRotations", request["KeyId"])
    first = 0 if request.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL" else 1
    shown = {f"{place:06}": _shown(record, place) for place in range(first, len(record.materials))}
    return pages.of_sorted("Rotations", sorted(shown), shown, request, pages.LIMIT)


def _shown(record: KeyRecord, place: int) -> dict[str, Any]:
    material = record.materials[place]
    shown = {
        "KeyId": record.arn,
        "KeyMaterialId": material.id,
        "KeyMaterialState": "CURRENT" if place == len(record.materials) - 1 else "NON_CURRENT",
    }
    if record.origin == EXTERNAL:
        shown["ImportState"] = "IMPORTED" if record.has_material else "PENDING_IMPORT"
        shown |= expiration(record) if record.has_material else {}
    if material.cause is None:
        return shown
    return {**shown, "RotationDate": round(material.since, 3), "RotationType": material.cause}
