"""The first thing in a function's process: bounds it, ties its life to the server's, and becomes the runtime.

Run as a file, `python -I -S launcher.py SERVER_PID PROGRAM ARGUMENT...`, in a session of its own and with the
function's environment. It imports nothing of the package: every millisecond here is one of a cold start.
"""

import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FILE_BYTES_MAX = 512 * 1024 * 1024  # of one file that a function writes; Lambda's /tmp has as much
OPEN_FILES_MAX = 1024  # as on Lambda
OUT_OF_MEMORY_SCORE = 500  # the kernel, when it is out of memory, ends functions before the server
EXIT_NOT_STARTED = 126  # what shells use for a program that can't be run


def main(words: list[str]) -> None:
    """Never returns: the process is the runtime, or ends."""
    server, program = int(words[1]), words[2]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # what the server ignores, its children would too
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if sys.platform == "linux":
        _die_with(server)
    for what, bound in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_BYTES_MAX),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        _, hard = resource.getrlimit(what)
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (bound, bound))
    try:
        os.execv(program, words[2:])
    except OSError as fault:
        print(f"{program} can't be run: {fault.strerror}", file=sys.stderr, flush=True)
        os._exit(EXIT_NOT_STARTED)


def _die_with(server: int) -> None:
    """Have the kernel kill this process with the server's thread that started it; end now if that is gone already."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(EXIT_NOT_STARTED)
    with open("/proc/self/oom_score_adj", "r+") as score:
        if int(score.read()) < OUT_OF_MEMORY_SCORE:  # to lower it would take a right that a server may not have
            score.seek(0)
            score.write(str(OUT_OF_MEMORY_SCORE))


if __name__ == "__main__":
    main(sys.argv)
