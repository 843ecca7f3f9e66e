"""Users, groups, roles, policies and keys of KMS to be listed: COUNT of each, and what hangs on the first of them."""

import json
from typing import Any

Client = Any
USER, GROUP, ROLE = "u0", "g0", "r0"
OWN = "arn:aws:iam::000000000000:root"
_TRUST = {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sts:AssumeRole"}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allowing(action: str) -> str:
    return _document({"Effect": "Allow", "Action": action, "Resource": "*"})


def make_identities(iam: Client, count: int) -> str:
    """Return the ARN of a policy."""
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(count)]
    document = allowing("dynamodb:GetItem")
    policies = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document, Tags=tags)["Policy"]["Arn"]
        for number in range(count)
    ]
    for _ in range(count - 1):
        iam.create_policy_version(PolicyArn=policies[0], PolicyDocument=document)
    for number in range(count):
        user, group, role = f"u{number}", f"g{number}", f"r{number}"
        iam.create_user(UserName=user, Tags=tags)
        iam.create_group(GroupName=group)
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(_TRUST), Tags=tags)
        iam.add_user_to_group(GroupName=GROUP, UserName=user)
        if number:
            iam.add_user_to_group(GroupName=group, UserName=USER)
        iam.put_user_policy(UserName=USER, PolicyName=f"i{number}", PolicyDocument=document)
        iam.put_group_policy(GroupName=GROUP, PolicyName=f"i{number}", PolicyDocument=document)
        iam.put_role_policy(RoleName=ROLE, PolicyName=f"i{number}", PolicyDocument=document)
        iam.attach_user_policy(UserName=user, PolicyArn=policies[0])
    for arn in policies:
        iam.attach_user_policy(UserName=USER, PolicyArn=arn)
        iam.attach_group_policy(GroupName=GROUP, PolicyArn=arn)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=arn)
    for _ in range(2):  # as many as a user may have
        iam.create_access_key(UserName=USER)
    return str(policies[0])


def make_keys(kms: Client, count: int) -> str:
    """Return the id of a key."""
    tags = [{"TagKey": f"k{number}", "TagValue": "v"} for number in range(count)]
    keys = [kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"] for _ in range(count)]
    for number in range(count):
        kms.create_alias(AliasName=f"alias/a{number}", TargetKeyId=keys[0])
        kms.create_grant(
            KeyId=keys[0], GranteePrincipal=OWN, RetiringPrincipal=OWN, Operations=["Decrypt"], Name=f"n{number}"
        )
        kms.rotate_key_on_demand(KeyId=keys[0])
    return str(keys[0])
