"""Every operation of STS's API that this server has, by its name in the service model."""

from statordb.iam_api.context import Operation
from statordb.iam_api.sts.assume_role import assume_role
from statordb.iam_api.sts.assume_role_with_web_identity import assume_role_with_web_identity
from statordb.iam_api.sts.decode_authorization_message import decode_authorization_message
from statordb.iam_api.sts.get_access_key_info import get_access_key_info
from statordb.iam_api.sts.get_caller_identity import get_caller_identity
from statordb.iam_api.sts.get_federation_token import get_federation_token
from statordb.iam_api.sts.get_session_token import get_session_token

OPERATIONS: dict[str, Operation] = {
    "AssumeRole": assume_role,
    "AssumeRoleWithWebIdentity": assume_role_with_web_identity,
    "DecodeAuthorizationMessage": decode_authorization_message,
    "GetAccessKeyInfo": get_access_key_info,
    "GetCallerIdentity": get_caller_identity,
    "GetFederationToken": get_federation_token,
    "GetSessionToken": get_session_token,
}
