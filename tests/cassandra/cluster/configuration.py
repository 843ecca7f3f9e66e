"""What a node of a cluster on one machine runs with: its configuration files and its command line.

Sized for three nodes beside the tests on a small machine: about 1.5 GB of memory a node.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from tests.cassandra.cluster.access import Access

CQL_PORT = 9042
DATACENTER = "dc1"
TOKENS = 4  # ranges of the ring per node
HEAP_MEGABYTES = 768

# Nodes that all are seeds and are told their tokens need not join one after the other.
# commitlog_sync batch: what is acknowledged is on disk, so that a kill -9 of all nodes at once loses nothing.
# phi_convict_threshold, *_request_timeout, dynamic_snitch: for some 20 s (12 s with 5) after a node's death the others
# ask it; what they ask of it alone, in reads over many partitions, is only asked elsewhere when the time is up.
_YAML = """\
cluster_name: statordb
num_tokens: {tokens}
initial_token: {tokens_of_node}
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
listen_address: {address}
rpc_address: {address}
native_transport_port: {port}
storage_port: 7000
endpoint_snitch: GossipingPropertyFileSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "{seeds}"}}]
data_file_directories: [{folder}/data/data]
commitlog_directory: {folder}/data/commitlog
saved_caches_directory: {folder}/data/saved_caches
hints_directory: {folder}/data/hints
cdc_raw_directory: {folder}/data/cdc_raw
commitlog_sync: batch
commitlog_segment_size: 16MiB
commitlog_total_space: 256MiB
memtable_heap_space: 128MiB
memtable_offheap_space: 128MiB
memtable_allocation_type: offheap_objects
file_cache_size: 32MiB
networking_cache_size: 32MiB
key_cache_size: 16MiB
counter_cache_size: 0MiB
concurrent_reads: 16
concurrent_writes: 16
concurrent_compactors: 1
native_transport_max_threads: 32
paxos_variant: v2
paxos_state_purging: repaired
dynamic_snitch: true
phi_convict_threshold: 5
read_request_timeout: 2s
range_request_timeout: 2s
auto_snapshot: false
"""

_OPEN = """\
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
"""

# Who has a password and a certificate gets in, and nobody speaks but by TLS. docs/operations/cassandra.md shows it.
SECURED = """\
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: true
  ssl_context_factory:
    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory
  keystore: {keystore}
  truststore: {truststore}
"""

_LOGBACK = """\
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT"/></root>
</configuration>
"""

# ignore_corrupted_schema_tables: a node that is killed while a table is dropped does not start without it.
# disable_mbean_registration: hundreds of beans for each table, which nobody here asks for.
_JAVA = (
    "-XX:MaxDirectMemorySize=384M", "-ea", "-da:net.openhft...", "-XX:+UseThreadPriorities",
    "-XX:+ExitOnOutOfMemoryError", "-Xss256k", "-XX:+PerfDisableSharedMem", "-Djava.net.preferIPv4Stack=true",
    "-XX:+UseG1GC", "-XX:+ParallelRefProcEnabled", "-XX:MaxTenuringThreshold=2", "-XX:G1HeapRegionSize=4m",
    "-XX:MaxGCPauseMillis=200", "-XX:ParallelGCThreads=2", "-XX:ConcGCThreads=1",
    "-Djdk.attach.allowAttachSelf=true", "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.useCacheForAllThreads=true", "-Dio.netty.allocator.maxOrder=11",
    "-Dcassandra-foreground=yes", "-Dcassandra.skip_wait_for_gossip_to_settle=0", "-Dcassandra.ring_delay_ms=2000",
    "-Dcassandra.ignore_corrupted_schema_tables=true", "-Dorg.apache.cassandra.disable_mbean_registration=true",
)  # fmt: skip
_USER_AT_ONCE = "-Dcassandra.superuser_setup_delay_ms=0"  # else Cassandra's own user comes 10 s later
# Else each change of the schema is put into files of their own, on each node: most of what it takes, in a row of many.
# The schema of a node that is killed is then lost, and what the tables of it held.
_SCHEMA_IN_MEMORY = "-Dcassandra.test.flush_local_schema_changes=false"
_COMPILERS = {True: "-XX:TieredStopAtLevel=1", False: "-XX:CICompilerCount=2"}
_EXPORTS = (
    "java.base/jdk.internal.misc", "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry", "java.rmi/sun.rmi.server", "java.sql/java.sql", "java.base/java.lang.ref",
    "jdk.unsupported/sun.misc", "jdk.compiler/com.sun.tools.javac.file", "jdk.attach/sun.tools.attach",
)  # fmt: skip
_OPENS = (
    "java.base/java.lang.module", "java.base/jdk.internal.loader", "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect", "java.base/jdk.internal.math", "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar", "jdk.management/com.sun.management.internal", "java.base/sun.nio.ch",
    "java.base/java.io", "java.base/java.lang.reflect", "jdk.compiler/com.sun.tools.javac", "java.base/java.lang",
    "java.base/java.util",
)  # fmt: skip


def tokens(number: int, nodes: int) -> list[int]:
    """The tokens of node `number` (from 1) of `nodes`: the ring in equal parts, dealt out in turns."""
    return [-(2**63) + (turn * nodes + number - 1) * 2**64 // (TOKENS * nodes) for turn in range(TOKENS)]


def write(folder: Path, number: int, addresses: Sequence[str], access: Access | None) -> None:
    """The files of node `number` (from 1) into `folder`/conf. Each node is a rack of its own. `access` None: all get
    in."""
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    yaml = _YAML.format(
        tokens=TOKENS,
        tokens_of_node=",".join(map(str, tokens(number, len(addresses)))),
        address=addresses[number - 1],
        seeds=",".join(addresses),
        port=CQL_PORT,
        folder=folder,
    )
    yaml += SECURED.format(keystore=access.keystore, truststore=access.authority) if access else _OPEN
    (conf / "cassandra.yaml").write_text(yaml)
    (conf / "cassandra-rackdc.properties").write_text(f"dc={DATACENTER}\nrack=rack{number}\n")
    (conf / "logback.xml").write_text(_LOGBACK)


def command(folder: Path, library: Path, *, quick: bool, secured: bool = False, passing: bool = False) -> list[str]:
    """The command line of the node in `folder`, with the jars in `library`.

    `quick`: compiled lightly and once. It reaches its lower rate soon after the start: for tests, not for measuring.
    `passing`: nothing need outlive its death.
    """
    java = os.environ.get("JAVA_HOME")
    conf = folder / "conf"
    return [
        f"{java}/bin/java" if java else "java", f"-Xms{HEAP_MEGABYTES}M", f"-Xmx{HEAP_MEGABYTES}M", *_JAVA,
        *((_USER_AT_ONCE,) if secured else ()), *((_SCHEMA_IN_MEMORY,) if passing else ()), _COMPILERS[quick],
        *(f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTS),
        *(f"--add-opens={name}=ALL-UNNAMED" for name in _OPENS),
        f"-javaagent:{next(library.glob('jamm-*.jar'))}", f"-Dcassandra.config=file://{conf}/cassandra.yaml",
        f"-Dcassandra.storagedir={folder}/data", f"-Dcassandra.logdir={folder}",
        f"-Dlogback.configurationFile={conf}/logback.xml", "-cp", f"{conf}:{library}/*",
        "org.apache.cassandra.service.CassandraDaemon",
    ]  # fmt: skip
