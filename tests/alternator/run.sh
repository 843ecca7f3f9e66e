#!/usr/bin/env bash
# Runs ScyllaDB's tests of the DynamoDB API against StatorDB, judged as AWS would be. See docs/compatibility.md.
#
#   tests/alternator/run.sh CHECKOUT WORK_DIR [pytest arguments]
#
# CHECKOUT is a clone of ScyllaDB's repository. WORK_DIR lies outside this repository, and gets a copy of the tests:
# their licence is not ours, so nothing of them is kept here. ENDPOINT=http://... judges a server that runs already;
# it must let in the key below, and web pages of any origin. Results: WORK_DIR/junit.xml and WORK_DIR/out.txt; the last
# line is their sum.
set -euo pipefail
checkout=${1:?a clone of the ScyllaDB repository}
work=${2:?a directory to work in}
shift 2
commit=${ALTERNATOR_COMMIT:-f4a4091ca2}
root=$(cd "$(dirname "$0")/../.." && pwd)

# Tests of what is ScyllaDB's own: its configuration, metrics, roles, CQL, tablets, vectors.
scylla="audit cql_rbac cql_schema expression_caching https logs metrics no_exception service_levels scylla
streams_tablets system_tables tablets tracing vector write_isolation"

rm -rf "$work/test" "$work/cassandra"
mkdir -p "$work"
work=$(cd "$work" && pwd)
# One tree each, as git looks at every file of the repository otherwise, also at those that a partial clone lacks.
for directory in alternator pylib; do
    git -C "$checkout" archive --prefix="test/$directory/" "$commit:test/$directory" | tar -x -C "$work"
done
[ -x "$work/.venv/bin/pytest" ] || {
    python3 -m venv "$work/.venv"
    "$work/.venv/bin/python" -m pip install --quiet --disable-pip-version-check boto3==1.43.11 'pytest>=8,<9' requests \
        packaging pytest-timeout pytest-asyncio allure-pytest urllib3 cryptography
}

# What stands in for ScyllaDB's test runner and for its Cassandra driver, which finds no host: then the suite signs as
# unknownuser. is_aws() is true, so that DynamoDB's answers are expected, not Alternator's; only the tests of expiry
# take us for an Alternator that expires items within a second, as they would wait for AWS up to an hour.
mkdir -p "$work/test/cqlpy" "$work/cassandra"
touch "$work/test/pylib/__init__.py" "$work/test/cqlpy/__init__.py" "$work/cassandra/__init__.py"
echo 'TEST_RUNNER = "runpy"' >"$work/test/__init__.py"
echo 'def safe_driver_shutdown(cluster): pass' >"$work/test/pylib/driver_utils.py"
cat >"$work/test/cqlpy/conftest.py" <<'PYTHON'
import pytest

@pytest.fixture(scope="session")
def host(request):
    return request.config.getoption("--host")
PYTHON
cat >"$work/test/conftest.py" <<'PYTHON'
from test.alternator import util
from test.pylib.skip_reason_plugin import SkipReasonPlugin
from test.pylib.skip_types import SkipType

util.is_aws = lambda dynamodb: True

def dynamic_scope():
    return "session"

def pytest_configure(config):
    config.pluginmanager.register(SkipReasonPlugin(SkipType, report_callback=lambda *ignored: None))

def pytest_collection_modifyitems(items):
    for module in {item.module for item in items if item.module.__name__.endswith("test_ttl")}:
        module.is_aws = lambda dynamodb: False
        module.scylla_config_read = lambda dynamodb, name: "1"
PYTHON
echo 'class PlainTextAuthProvider: __init__ = lambda self, **options: None' >"$work/cassandra/auth.py"
echo 'RoundRobinPolicy = object' >"$work/cassandra/policies.py"
cat >"$work/cassandra/cluster.py" <<'PYTHON'
class NoHostAvailable(Exception):
    pass

def Cluster(*hosts, **options):
    raise NoHostAvailable

ConsistencyLevel = ExecutionProfile = EXEC_PROFILE_DEFAULT = None
PYTHON
{
    printf '[pytest]\nxfail_strict = false\nasyncio_mode = auto\nmarkers =\n'
    printf '    %s: of ScyllaDB\n' slow skip_bug skip_env skip_mode unstable veryslow non_gating no_parallel single_node
} >"$work/pytest.ini"

if [ -z "${ENDPOINT:-}" ]; then
    # Its tests of browsers expect every page to be let in, as AWS does; others write more to one key than a partition
    # gives, and do not try again.
    STATORDB_ROOT_ACCESS_KEY_ID=unknownuser STATORDB_ROOT_SECRET_ACCESS_KEY=unknownsecret STATORDB_ALLOWED_ORIGINS='*' \
        "$root/.venv/bin/statordb" serve --memory --port 0 --auth iam --throttle off --admin-port 0 >"$work/ready" 2>"$work/server.log" &
    server=$!
    trap 'kill "$server"' EXIT
    for _ in $(seq 600); do
        ENDPOINT=$(sed -n 's/^StatorDB ready on //p' "$work/ready")
        [ -z "$ENDPOINT" ] || break
        sleep 0.1
    done
fi

export AWS_ACCESS_KEY_ID=unknownuser AWS_SECRET_ACCESS_KEY=unknownsecret AWS_DEFAULT_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$work
cd "$work"
# shellcheck disable=SC2046  # one word a module
.venv/bin/python -m pytest -q -p no:cacheprovider --runxfail --timeout 180 --tb=short -rfE --junitxml=junit.xml \
    --url="${ENDPOINT:?the server did not start, see $work/server.log}" \
    $(printf -- '--ignore=test/alternator/test_%s.py ' $scylla) "$@" test/alternator >out.txt 2>&1 || true
tail -n 1 out.txt
