"""`aws` commands, one after the other, each by a fork of this process: a start of Python and of the AWS CLI's modules,
most of what a command takes, is done once. Everything else is as in the AWS CLI's own script.

    .tools/awscli/bin/python tests/sdk/python/aws_forks.py

reads commands from standard input and answers them on standard output, a line of JSON each.
"""

# mypy: disable-error-code="import-not-found"
import json
import os
import sys
import traceback

import awscli.clidriver


def main() -> None:
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps(run(wanted["words"], wanted["environment"])), flush=True)


def run(words: list[str], environment: dict[str, str]) -> dict[str, object]:
    """Exit code, standard output and standard error of `aws` with these words."""
    outputs = [os.memfd_create(name) for name in ("out", "err")]
    pid = os.fork()
    if pid == 0:
        _become(words, environment, outputs)
    _, status = os.waitpid(pid, 0)
    texts = []
    for output in outputs:
        with open(output, encoding="utf-8") as file:
            file.seek(0)
            texts.append(file.read())
    return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


def _become(words: list[str], environment: dict[str, str], outputs: list[int]) -> None:
    """Be the command, and end."""
    code: object = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor, output in enumerate(outputs, 1):
            os.dup2(output, descriptor)
        os.environ.update(environment)  # beside what the AWS CLI has put in as it was imported
        sys.argv = ["aws", *words]
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
