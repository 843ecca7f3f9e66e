#!/usr/bin/env bash
# The clients that the SDK tests drive besides boto3, into .tools/: the AWS CLI, aioboto3, libraries upon boto3, each in
# a virtual environment of its own because each pins another botocore; the AWS SDK for JavaScript, and libraries upon
# it; the AWS SDK for Java with its enhanced client, and Enhanced.java on it; the AWS SDK for Go, where there is Go, and
# main.go on it. All versions are fixed, so that a test fails for what changed here. Done again only when this file or
# one that it reads changes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tools="$root/.tools"
javascript="$root/tests/sdk/javascript"
java="$root/tests/sdk/java"
go="$root/tests/sdk/go"
stamp="$tools/.installed"
mkdir -p "$tools"

if [ -e "$stamp" ] && [ -z "$(find "$0" "$javascript/package-lock.json" "$java" "$go" -type f -newer "$stamp")" ]; then
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

rm -rf "$tools/java"
mkdir -p "$tools/java/classes"
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
mvn --quiet --batch-mode --file "$java/pom.xml" $plugin:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$tools/java/lib"
javac --release 17 -cp "$tools/java/lib/*" -d "$tools/java/classes" "$java/Enhanced.java"

rm -rf "$tools/go"
if command -v go >/dev/null; then
    mkdir -p "$tools/go"
    go -C "$go" build -buildvcs=false -o "$tools/go/smoke" . ||
        echo "The AWS SDK for Go can't be had here: its test is left out." >&2
fi

touch "$stamp"
