"""DeleteImportedKeyMaterial: the key waits for its material to be imported again."""

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.importing import check_origin
from statordb.kms_api.keys import change_any
from statordb.store.kms import imports
from statordb.store.kms.records import SYMMETRIC, KeyRecord


async def delete_imported_key_material(context: Context, request: Request) -> Answer:
    record = await context.own_key("DeleteImportedKeyMaterial", request["KeyId"])
    check_origin(record)
    if request.get("KeyMaterialId") not in (None, record.material_id):
        raise errors.of("NotFoundException", "The key has no such key material")
    now = context.now()

    def delete(current: KeyRecord) -> KeyRecord:
        return imports.emptied(current, now)

    changed = await change_any(context, record, delete)
    return {"KeyId": changed.arn, "KeyMaterialId": changed.material_id if changed.spec == SYMMETRIC else None}
