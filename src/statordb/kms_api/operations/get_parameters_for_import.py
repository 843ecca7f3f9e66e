"""GetParametersForImport."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.importing import check_importable
from statordb.store.kms.imports import BY_AES, DIRECT, WRAPPING_SPECS


async def get_parameters_for_import(context: Context, request: Request) -> Answer:
    algorithm, spec = request["WrappingAlgorithm"], request["WrappingKeySpec"]
    known = {"kms:wrappingalgorithm": (algorithm,), "kms:wrappingkeyspec": (spec,)}
    record = await context.own_key("GetParametersForImport", request["KeyId"], known)
    check_importable(record)
    if algorithm not in DIRECT + BY_AES or spec not in WRAPPING_SPECS:  # PKCS1 is AWS's no more, SM2 is China's
        raise errors.operation_unsupported()
    made = await context.store.kms.keys.imports.parameters(record.name, algorithm, spec)
    return {
        "KeyId": record.arn,
        "ImportToken": blobs.text(made.token),
        "PublicKey": blobs.text(made.public),
        "ParametersValidTo": round(made.until, 3),
    }
