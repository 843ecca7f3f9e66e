#!/usr/bin/env bash
# The clients that the SDK tests drive besides boto3, into .tools/: the AWS CLI, aioboto3, libraries upon boto3, each
# in a virtual environment of its own because each pins another botocore; the AWS SDK for JavaScript, and libraries upon
# it. All versions are fixed, so that a test fails for what changed here. Done again only when this file or the lock file
# changes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tools="$root/.tools"
javascript="$root/tests/sdk/javascript"
stamp="$tools/.installed"
mkdir -p "$tools"

if [ -e "$stamp" ] && [ ! "$0" -nt "$stamp" ] && [ ! "$javascript/package-lock.json" -nt "$stamp" ]; then
    exit 0
fi

python_tool() { # NAME REQUIREMENT...
    local name=$1
    shift
    [ -x "$tools/$name/bin/python" ] || python3 -m venv "$tools/$name"
    "$tools/$name/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$@"
}

python_tool awscli 'awscli==1.46.3'
python_tool aioboto3 'aioboto3==15.5.0'
python_tool mappers \
    'pynamodb==6.1.0' 'bloop==3.1.1' 'pydynamodb==0.8.2' 'aws-lambda-powertools[parser]==3.37.0'

mkdir -p "$tools/javascript"
cp "$javascript/package.json" "$javascript/package-lock.json" "$tools/javascript/"
npm ci --prefix "$tools/javascript" --no-audit --no-fund --loglevel=error

touch "$stamp"
