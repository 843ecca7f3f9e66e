"""Every operation of IAM's API that this server has, by its name in the service model."""

from statordb.iam_api.context import Operation
from statordb.iam_api.operations import attachments, inline_policies, sign_ins, tags
from statordb.iam_api.operations.access_keys import (
    create_access_key,
    delete_access_key,
    get_access_key_last_used,
    list_access_keys,
    update_access_key,
)
from statordb.iam_api.operations.account import (
    get_account_authorization_details,
    get_account_summary,
    list_account_aliases,
)
from statordb.iam_api.operations.group_members import add_user_to_group, list_groups_for_user, remove_user_from_group
from statordb.iam_api.operations.groups import create_group, delete_group, get_group, list_groups, update_group
from statordb.iam_api.operations.permissions_boundaries import (
    delete_role_permissions_boundary,
    delete_user_permissions_boundary,
    put_role_permissions_boundary,
    put_user_permissions_boundary,
)
from statordb.iam_api.operations.policies import create_policy, delete_policy, get_policy, list_policies
from statordb.iam_api.operations.policy_versions import (
    create_policy_version,
    delete_policy_version,
    get_policy_version,
    list_policy_versions,
    set_default_policy_version,
)
from statordb.iam_api.operations.roles import (
    create_role,
    delete_role,
    get_role,
    list_instance_profiles_for_role,
    list_roles,
    update_assume_role_policy,
    update_role,
    update_role_description,
)
from statordb.iam_api.operations.simulation import simulate_custom_policy, simulate_principal_policy
from statordb.iam_api.operations.users import create_user, delete_user, get_user, list_users, update_user

OPERATIONS: dict[str, Operation] = {
    "AddUserToGroup": add_user_to_group,
    "CreateAccessKey": create_access_key,
    "CreateGroup": create_group,
    "CreatePolicy": create_policy,
    "CreatePolicyVersion": create_policy_version,
    "CreateRole": create_role,
    "CreateUser": create_user,
    "DeleteAccessKey": delete_access_key,
    "DeleteGroup": delete_group,
    "DeletePolicy": delete_policy,
    "DeletePolicyVersion": delete_policy_version,
    "DeleteRole": delete_role,
    "DeleteRolePermissionsBoundary": delete_role_permissions_boundary,
    "DeleteUser": delete_user,
    "DeleteUserPermissionsBoundary": delete_user_permissions_boundary,
    "GetAccessKeyLastUsed": get_access_key_last_used,
    "GetAccountAuthorizationDetails": get_account_authorization_details,
    "GetAccountSummary": get_account_summary,
    "GetGroup": get_group,
    "GetPolicy": get_policy,
    "GetPolicyVersion": get_policy_version,
    "GetRole": get_role,
    "GetUser": get_user,
    "ListAccessKeys": list_access_keys,
    "ListAccountAliases": list_account_aliases,
    "ListEntitiesForPolicy": attachments.list_entities_for_policy,
    "ListGroups": list_groups,
    "ListGroupsForUser": list_groups_for_user,
    "ListInstanceProfilesForRole": list_instance_profiles_for_role,
    "ListPolicies": list_policies,
    "ListPolicyVersions": list_policy_versions,
    "ListRoles": list_roles,
    "ListUsers": list_users,
    "PutRolePermissionsBoundary": put_role_permissions_boundary,
    "PutUserPermissionsBoundary": put_user_permissions_boundary,
    "RemoveUserFromGroup": remove_user_from_group,
    "SetDefaultPolicyVersion": set_default_policy_version,
    "SimulateCustomPolicy": simulate_custom_policy,
    "SimulatePrincipalPolicy": simulate_principal_policy,
    "UpdateAccessKey": update_access_key,
    "UpdateAssumeRolePolicy": update_assume_role_policy,
    "UpdateGroup": update_group,
    "UpdateRole": update_role,
    "UpdateRoleDescription": update_role_description,
    "UpdateUser": update_user,
    **attachments.OPERATIONS,
    **inline_policies.OPERATIONS,
    **sign_ins.OPERATIONS,
    **tags.OPERATIONS,
}
