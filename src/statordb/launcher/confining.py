"""What happens in a function's process before it becomes the runtime: bounds, another user, what it sees of the disk.

Run as a file, `python -I -S confining.py SERVER_PID CGROUP PROGRAM ARGUMENT...`, in a session of its own and with the
function's environment, where functions run as the server's user. CGROUP is the directory of a control group, or empty.
It imports nothing of the package: every millisecond here is one of a cold start.
"""

import os
import resource
import signal
import sys
from collections.abc import Iterable

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
FILE_BYTES_MAX = 512 * 1024 * 1024  # of one file that a function writes; Lambda's /tmp has as much
OPEN_FILES_MAX = 1024  # as on Lambda
PROCESSES_MAX = 1024  # of a user's functions together; Lambda has as many for each
OUT_OF_MEMORY_SCORE = 500  # the kernel, when it is out of memory, ends functions before the server
EXIT_NOT_STARTED = 126  # what shells use for a program that can't be run

# linux/landlock.h. The numbers of its system calls are the same on all processors.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULESET_VERSION, PATH_BENEATH = 1, 1
RIGHTS_BY_VERSION = (0, 13, 14, 15, 15, 16)  # how many rights to files there are
SCOPES_VERSION, SCOPES = 6, 0b11  # abstract sockets of others, signals to others
EXECUTE, READ_FILE, READ_DIRECTORY = 1 << 0, 1 << 2, 1 << 3
READING = EXECUTE | READ_FILE | READ_DIRECTORY
OF_FILES = EXECUTE | 1 << 1 | READ_FILE | 1 << 14 | 1 << 15  # with writing, truncating, and control of devices
MAKING_DEVICES = 1 << 6 | 1 << 11


def main(words: list[str]) -> None:
    """Never returns: the process is the runtime, or ends."""
    server, cgroup, program = int(words[1]), words[2], words[3]
    begin(cgroup)
    bound()
    if sys.platform == "linux":
        die_with(server)
    run(program, words[3:], os.environ)


def begin(cgroup: str) -> None:
    """Have signals do what they usually do, and be in a control group."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # what the server ignores, its children would too
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if cgroup:
        with open(f"{cgroup}/cgroup.procs", "w") as members:
            members.write("0")
    if sys.platform == "linux":
        _end_early_out_of_memory()


def bound(processes_max: int | None = None) -> None:
    """`processes_max`: of all that the user runs, where that is no other program's user."""
    bounds = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_BYTES_MAX),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ]
    if processes_max is not None:
        bounds.append((resource.RLIMIT_NPROC, processes_max))
    for what, bound in bounds:
        _, hard = resource.getrlimit(what)
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (bound, bound))


def become(user: int) -> None:
    """Be another user, in no other group than the one of the same number, for good."""
    import ctypes

    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def has_landlock() -> bool:
    """Whether the kernel can keep files from a process that does not want to see them."""
    import ctypes

    return int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), RULESET_VERSION)) > 0


def see_only(readable: Iterable[str | int], writable: Iterable[str | int]) -> None:
    """Have the kernel refuse every file but these and those below them (Landlock), where it can.

    Each is a path, or a descriptor of what was opened.
    """
    import ctypes

    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    version = call(CREATE_RULESET, None, ctypes.c_size_t(0), RULESET_VERSION)
    if version < 1:
        return
    rights = (1 << RIGHTS_BY_VERSION[min(version, len(RIGHTS_BY_VERSION) - 1)]) - 1
    scopes = SCOPES if version >= SCOPES_VERSION else 0
    attributes = b"".join(number.to_bytes(8, sys.byteorder) for number in (rights, 0, scopes))
    size = 24 if scopes else 8
    rules = call(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    for places, allowed in ((readable, READING), (writable, rights & ~MAKING_DEVICES)):
        for place in places:
            _allow(call, rules, place, allowed & rights)
    if rules < 0 or call(RESTRICT_SELF, rules, 0) != 0:
        print("files can't be kept from this function", file=sys.stderr, flush=True)
        os._exit(EXIT_NOT_STARTED)
    os.close(rules)


def _allow(call, rules: int, place: str | int, allowed: int) -> None:  # type: ignore[no-untyped-def]  # a function of C
    """Add a rule; for what is not there, or may not be reached anyway, there is none."""
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC) if isinstance(place, str) else os.dup(place)
    except OSError:
        return
    if not os.path.isdir(opened if isinstance(place, int) else place):
        allowed &= OF_FILES
    call(ADD_RULE, rules, PATH_BENEATH, allowed.to_bytes(8, sys.byteorder) + opened.to_bytes(4, sys.byteorder), 0)
    os.close(opened)


def _end_early_out_of_memory() -> None:
    with open("/proc/self/oom_score_adj", "r+") as score:
        if int(score.read()) < OUT_OF_MEMORY_SCORE:  # to lower it would take a right that a server may not have
            score.seek(0)
            score.write(str(OUT_OF_MEMORY_SCORE))


def die_with(server: int) -> None:
    """Have the kernel kill this process with the server's thread that started it; end now if that is gone already.

    Behind the change of the user, which would undo it.
    """
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(EXIT_NOT_STARTED)


def run(program: str, words: list[str], environment: "os._Environ[str] | dict[str, str]") -> None:
    """Become the program. Never returns."""
    try:
        os.execve(program, words, environment)
    except OSError as fault:
        print(f"{program} can't be run: {fault.strerror}", file=sys.stderr, flush=True)
        os._exit(EXIT_NOT_STARTED)


if __name__ == "__main__":
    main(sys.argv)
