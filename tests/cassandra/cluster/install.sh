#!/usr/bin/env bash
# Apache Cassandra into .tools/cassandra/lib/: 100 jars, 67 MB from Maven Central. Needs Maven, and Java 17 to run it.
# Done again only when pom.xml or this file changes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../.." && pwd)/.tools/cassandra
stamp="$tools/.installed"

if [ -e "$stamp" ] && [ ! "$here/pom.xml" -nt "$stamp" ] && [ ! "$here/install.sh" -nt "$stamp" ]; then
    exit 0
fi

rm -rf "$tools/lib"
mkdir -p "$tools"
mvn --quiet --batch-mode --file "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$tools/lib"

touch "$stamp"
