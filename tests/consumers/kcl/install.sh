#!/usr/bin/env bash
# The Kinesis Client Library with AWS's adapter for DynamoDB Streams, and Worker.java on it, into .tools/kcl/: about 30 MB
# from Maven Central. Needs Maven and a JDK of version 17 or newer. Done again only when one of these files changes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../.." && pwd)/.tools/kcl
stamp="$tools/.installed"

if [ -e "$stamp" ] && [ -z "$(find "$here" -type f -newer "$stamp")" ]; then
    exit 0
fi

rm -rf "$tools"
mkdir -p "$tools/classes"
mvn --quiet --batch-mode --file "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$tools/lib"
javac --release 17 -cp "$tools/lib/*" -d "$tools/classes" "$here/Worker.java"

touch "$stamp"
