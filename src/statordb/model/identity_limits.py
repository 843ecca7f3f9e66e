"""Every maximum that IAM's and STS's APIs keep, with its unit in its name.

Source: AWS IAM user guide, "IAM and AWS STS quotas". Lengths of names and paths are in the service model.
"""

# An account's
USERS_MAX = 5000
GROUPS_MAX = 300
ROLES_MAX = 1000
POLICIES_MAX = 1500  # that customers manage

# An identity's
ACCESS_KEYS_MAX = 2  # of a user
USER_GROUPS_MAX = 10  # that a user is in
ATTACHED_POLICIES_MAX = 10
IDENTITY_TAGS_MAX = 50

# Of documents, in characters without white space
USER_INLINE_CHARACTERS_MAX = 2048  # of all inline policies of a user
GROUP_INLINE_CHARACTERS_MAX = 5120
ROLE_INLINE_CHARACTERS_MAX = 10_240
POLICY_CHARACTERS_MAX = 6144  # of a managed policy
TRUST_CHARACTERS_MAX = 4096  # of a role's trust policy: what AWS grants at most

POLICY_VERSIONS_MAX = 5

# Lists
PAGE_ITEMS = 100  # where a request does not say
PAGE_ITEMS_MAX = 1000
PAGE_DOCUMENTS_CHARACTERS_MAX = 128 * 1024  # of policies that one page shows, or one item: to quote them takes 5 ms

# Sessions
SESSION_SECONDS_MIN = 900
ROLE_SESSION_SECONDS = 3600  # where neither request nor role say
ROLE_SESSION_SECONDS_MAX = 12 * 3600
CHAINED_SESSION_SECONDS_MAX = 3600  # of a role that the session of a role assumes
USER_SESSION_SECONDS = 12 * 3600  # GetSessionToken and GetFederationToken
USER_SESSION_SECONDS_MAX = 36 * 3600
ROOT_SESSION_SECONDS_MAX = 3600
SESSION_POLICIES_MAX = 10  # managed ones of a session
SESSION_POLICY_CHARACTERS_MAX = 2048
SESSION_TAGS_MAX = 50
SESSIONS_HOUR_MAX = 20_000  # that an account begins by STS: ours, beside AWS's 600 a second
