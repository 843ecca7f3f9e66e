#!/usr/bin/env bash
# The clients that the SDK tests drive besides boto3, into .tools/: the AWS CLI and aioboto3, each in a virtual environment
# of its own because each pins another botocore, and the AWS SDK for JavaScript. Done again only when this file or the
# lock file changes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tools="$root/.tools"
javascript="$root/tests/sdk/javascript"
stamp="$tools/.installed"
mkdir -p "$tools"

if [ -e "$stamp" ] && [ ! "$0" -nt "$stamp" ] && [ ! "$javascript/package-lock.json" -nt "$stamp" ]; then
    exit 0
fi

python_tool() { # NAME REQUIREMENT
    [ -x "$tools/$1/bin/python" ] || python3 -m venv "$tools/$1"
    "$tools/$1/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$2"
}

python_tool awscli 'awscli>=1.40'
python_tool aioboto3 'aioboto3>=15'

mkdir -p "$tools/javascript"
cp "$javascript/package.json" "$javascript/package-lock.json" "$tools/javascript/"
npm ci --prefix "$tools/javascript" --no-audit --no-fund --loglevel=error

touch "$stamp"
