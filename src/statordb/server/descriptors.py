"""File descriptors: each connection takes one, and the rest of a process must not run out of them."""

import resource

WANTED = 65_536
KEPT = 256  # for the admin port, the store, lanes, functions and logs
CONNECTIONS_MAX = 10_000  # of one worker


def allow_many() -> None:
    """Raise this process's limit as far as it may go by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_max() -> int:
    """How many connections a worker may have; beyond, those on which nothing goes on make room for further clients."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return min(CONNECTIONS_MAX, max(soft - KEPT, soft // 2))
