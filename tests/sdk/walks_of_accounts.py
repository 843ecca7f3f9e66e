"""Every paginator and waiter of IAM's, KMS's and Application Auto Scaling's operations that are built; STS has none."""

from tests.sdk.accounts import GROUP, OWN, ROLE, USER, allowing
from tests.sdk.walk import Parameters, Wait, Walk
from tests.sdk.world import COUNT, World

_ACTIONS = [f"dynamodb:{name}Item" for name in ("Get", "Put", "Update")]
_KEYS_OF_A_USER = 2  # no user may have more


def _user(world: World) -> Parameters:
    return {"UserName": USER}


def _group(world: World) -> Parameters:
    return {"GroupName": GROUP}


def _role(world: World) -> Parameters:
    return {"RoleName": ROLE}


def _policy(world: World) -> Parameters:
    return {"PolicyArn": world.policy}


def _key(world: World) -> Parameters:
    return {"KeyId": world.key}


def _tables(world: World) -> Parameters:
    return {"ServiceNamespace": "dynamodb"}


def _whole_policies(world: World) -> Parameters:
    return {"PolicyInputList": [allowing("dynamodb:GetItem")], "ActionNames": _ACTIONS}


def _own_policies(world: World) -> Parameters:
    return {"PolicySourceArn": f"arn:aws:iam::000000000000:user/{USER}", "ActionNames": _ACTIONS}


WALKS = (
    Walk("application-autoscaling", "DescribeScalableTargets", "ScalableTargets", COUNT, _tables),
    Walk("application-autoscaling", "DescribeScalingActivities", "ScalingActivities", COUNT, _tables),
    Walk("application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies", COUNT, _tables),
    Walk("application-autoscaling", "DescribeScheduledActions", "ScheduledActions", COUNT, _tables),
    Walk("iam", "GetAccountAuthorizationDetails", "UserDetailList", COUNT),
    Walk("iam", "GetGroup", "Users", COUNT, _group),
    Walk("iam", "ListAccessKeys", "AccessKeyMetadata", _KEYS_OF_A_USER, _user),
    Walk("iam", "ListAccountAliases", "AccountAliases", 0),
    Walk("iam", "ListAttachedGroupPolicies", "AttachedPolicies", COUNT, _group),
    Walk("iam", "ListAttachedRolePolicies", "AttachedPolicies", COUNT, _role),
    Walk("iam", "ListAttachedUserPolicies", "AttachedPolicies", COUNT, _user),
    Walk("iam", "ListEntitiesForPolicy", "PolicyUsers", COUNT, _policy),
    Walk("iam", "ListGroupPolicies", "PolicyNames", COUNT, _group),
    Walk("iam", "ListGroups", "Groups", COUNT),
    Walk("iam", "ListGroupsForUser", "Groups", COUNT, _user),
    Walk("iam", "ListInstanceProfilesForRole", "InstanceProfiles", 0, _role),
    Walk("iam", "ListMFADevices", "MFADevices", 0, _user),
    Walk("iam", "ListPolicies", "Policies", COUNT, lambda world: {"Scope": "Local"}),
    Walk("iam", "ListPolicyTags", "Tags", COUNT, _policy),
    Walk("iam", "ListPolicyVersions", "Versions", COUNT, _policy),
    Walk("iam", "ListRolePolicies", "PolicyNames", COUNT, _role),
    Walk("iam", "ListRoleTags", "Tags", COUNT, _role),
    Walk("iam", "ListRoles", "Roles", COUNT),
    Walk("iam", "ListSSHPublicKeys", "SSHPublicKeys", 0, _user),
    Walk("iam", "ListSigningCertificates", "Certificates", 0, _user),
    Walk("iam", "ListUserPolicies", "PolicyNames", COUNT, _user),
    Walk("iam", "ListUserTags", "Tags", COUNT, _user),
    Walk("iam", "ListUsers", "Users", COUNT),
    Walk("iam", "ListVirtualMFADevices", "VirtualMFADevices", 0),
    Walk("iam", "SimulateCustomPolicy", "EvaluationResults", len(_ACTIONS), _whole_policies),
    Walk("iam", "SimulatePrincipalPolicy", "EvaluationResults", len(_ACTIONS), _own_policies),
    Walk("kms", "ListAliases", "Aliases", COUNT),
    Walk("kms", "ListGrants", "Grants", COUNT, _key),
    Walk("kms", "ListKeyPolicies", "PolicyNames", 1, _key),
    Walk("kms", "ListKeyRotations", "Rotations", COUNT, _key),
    Walk("kms", "ListKeys", "Keys", COUNT),
    Walk("kms", "ListResourceTags", "Tags", COUNT, _key),
    Walk("kms", "ListRetirableGrants", "Grants", COUNT, lambda world: {"RetiringPrincipal": OWN}),
)

WAITS = (
    Wait("iam", "PolicyExists", _policy),
    Wait("iam", "RoleExists", _role),
    Wait("iam", "UserExists", _user),
)
