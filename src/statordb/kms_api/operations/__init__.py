"""The operations of KMS's API that are built, one file each."""

from collections.abc import Mapping

from statordb.kms_api.context import Operation
from statordb.kms_api.operations.cancel_key_deletion import cancel_key_deletion
from statordb.kms_api.operations.create_alias import create_alias
from statordb.kms_api.operations.create_grant import create_grant
from statordb.kms_api.operations.create_key import create_key
from statordb.kms_api.operations.decrypt import decrypt
from statordb.kms_api.operations.delete_alias import delete_alias
from statordb.kms_api.operations.delete_imported_key_material import delete_imported_key_material
from statordb.kms_api.operations.describe_key import describe_key
from statordb.kms_api.operations.disable_key import disable_key
from statordb.kms_api.operations.disable_key_rotation import disable_key_rotation
from statordb.kms_api.operations.enable_key import enable_key
from statordb.kms_api.operations.enable_key_rotation import enable_key_rotation
from statordb.kms_api.operations.encrypt import encrypt
from statordb.kms_api.operations.generate_data_key import generate_data_key
from statordb.kms_api.operations.generate_data_key_pair import generate_data_key_pair
from statordb.kms_api.operations.generate_data_key_pair_without_plaintext import (
    generate_data_key_pair_without_plaintext,
)
from statordb.kms_api.operations.generate_data_key_without_plaintext import generate_data_key_without_plaintext
from statordb.kms_api.operations.generate_mac import generate_mac
from statordb.kms_api.operations.generate_random import generate_random
from statordb.kms_api.operations.get_key_policy import get_key_policy
from statordb.kms_api.operations.get_key_rotation_status import get_key_rotation_status
from statordb.kms_api.operations.get_parameters_for_import import get_parameters_for_import
from statordb.kms_api.operations.get_public_key import get_public_key
from statordb.kms_api.operations.import_key_material import import_key_material
from statordb.kms_api.operations.list_aliases import list_aliases
from statordb.kms_api.operations.list_grants import list_grants
from statordb.kms_api.operations.list_key_policies import list_key_policies
from statordb.kms_api.operations.list_key_rotations import list_key_rotations
from statordb.kms_api.operations.list_keys import list_keys
from statordb.kms_api.operations.list_resource_tags import list_resource_tags
from statordb.kms_api.operations.list_retirable_grants import list_retirable_grants
from statordb.kms_api.operations.put_key_policy import put_key_policy
from statordb.kms_api.operations.re_encrypt import re_encrypt
from statordb.kms_api.operations.replicate_key import replicate_key
from statordb.kms_api.operations.retire_grant import retire_grant
from statordb.kms_api.operations.revoke_grant import revoke_grant
from statordb.kms_api.operations.rotate_key_on_demand import rotate_key_on_demand
from statordb.kms_api.operations.schedule_key_deletion import schedule_key_deletion
from statordb.kms_api.operations.sign import sign
from statordb.kms_api.operations.tag_resource import tag_resource
from statordb.kms_api.operations.untag_resource import untag_resource
from statordb.kms_api.operations.update_alias import update_alias
from statordb.kms_api.operations.update_key_description import update_key_description
from statordb.kms_api.operations.update_primary_region import update_primary_region
from statordb.kms_api.operations.verify import verify
from statordb.kms_api.operations.verify_mac import verify_mac

OPERATIONS: Mapping[str, Operation] = {
    "CancelKeyDeletion": cancel_key_deletion,
    "CreateAlias": create_alias,
    "CreateGrant": create_grant,
    "CreateKey": create_key,
    "Decrypt": decrypt,
    "DeleteAlias": delete_alias,
    "DeleteImportedKeyMaterial": delete_imported_key_material,
    "DescribeKey": describe_key,
    "DisableKey": disable_key,
    "DisableKeyRotation": disable_key_rotation,
    "EnableKey": enable_key,
    "EnableKeyRotation": enable_key_rotation,
    "Encrypt": encrypt,
    "GenerateDataKey": generate_data_key,
    "GenerateDataKeyPair": generate_data_key_pair,
    "GenerateDataKeyPairWithoutPlaintext": generate_data_key_pair_without_plaintext,
    "GenerateDataKeyWithoutPlaintext": generate_data_key_without_plaintext,
    "GenerateMac": generate_mac,
    "GenerateRandom": generate_random,
    "GetKeyPolicy": get_key_policy,
    "GetKeyRotationStatus": get_key_rotation_status,
    "GetParametersForImport": get_parameters_for_import,
    "GetPublicKey": get_public_key,
    "ImportKeyMaterial": import_key_material,
    "ListAliases": list_aliases,
    "ListGrants": list_grants,
    "ListKeyPolicies": list_key_policies,
    "ListKeyRotations": list_key_rotations,
    "ListKeys": list_keys,
    "ListResourceTags": list_resource_tags,
    "ListRetirableGrants": list_retirable_grants,
    "PutKeyPolicy": put_key_policy,
    "ReEncrypt": re_encrypt,
    "ReplicateKey": replicate_key,
    "RetireGrant": retire_grant,
    "RevokeGrant": revoke_grant,
    "RotateKeyOnDemand": rotate_key_on_demand,
    "ScheduleKeyDeletion": schedule_key_deletion,
    "Sign": sign,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateAlias": update_alias,
    "UpdateKeyDescription": update_key_description,
    "UpdatePrimaryRegion": update_primary_region,
    "Verify": verify,
    "VerifyMac": verify_mac,
}
