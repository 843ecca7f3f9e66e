"""Where settings come from, which source wins, and what is refused."""

from pathlib import Path

import pytest

from statordb.model.quotas import Quotas
from statordb.server.setting_parsers import PARSERS
from statordb.server.setting_values import ScheduledBackups, VpcEndpoint
from statordb.server.settings import BadStart, Settings, is_loopback, load

DAILY = '{"name": "daily", "schedule": "rate(1 day)", "tables": ["*"], "keep_days": 7}'
ENDPOINT = '{"id": "vpce-1", "vpc": "vpc-2", "port": 8001, "host": "::1", "policy": "p.json"}'
CLUSTER = {"engine": "cassandra", "cassandra": "a", "datacenter": "dc1"}


def test_defaults() -> None:
    """With nothing said the server starts."""
    assert load({}, {}) == Settings()
    assert Settings().worker_count >= 1


def test_every_setting_has_a_parser() -> None:
    assert set(PARSERS) == set(Settings.__dataclass_fields__)


def test_command_line_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "statordb.toml"
    file.write_text('port = 1\nworkers = 2\naccount = "111111111111"\n')
    environment = {"STATORDB_PORT": "3", "STATORDB_WORKERS": "4", "STATORDB_CONFIG": str(file)}
    settings = load({"port": "5"}, environment)
    assert (settings.port, settings.workers, settings.account, settings.auth) == (5, 4, "111111111111", "open")


def test_the_config_option_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port = 1")
    settings = load({"config": str(tmp_path / "a.toml")}, {"STATORDB_CONFIG": str(tmp_path / "missing.toml")})
    assert settings.port == 1


def test_memory_and_data_are_one_choice_of_the_strongest_source(tmp_path: Path) -> None:
    assert load({"memory": True}, {"STATORDB_DATA": "x"}).memory
    assert not load({"data": "x"}, {"STATORDB_MEMORY": "1"}).memory


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        ({"port": "99999"}, {}, "The value '99999' of --port is not from 0 to 65535."),
        ({"port": "http"}, {}, "The value 'http' of --port is not a whole number from 0 to 65535."),
        (
            {},
            {"STATORDB_SCALING_MINUTE_SECONDS": "90"},
            "scaling_minute_seconds must be a multiple of metering_minute_seconds.",
        ),
        ({"workers": "0"}, {}, "The value '0' of --workers is not from 1 to 256."),
        ({}, {"STATORDB_AUTH": "none"}, "The value 'none' of STATORDB_AUTH is not one of open, iam."),
        ({}, {"STATORDB_ACCOUNT": "12"}, "The value '12' of STATORDB_ACCOUNT is not an account of 12 digits."),
        ({"memory": True, "data": "x"}, {}, "can't be used together"),
        ({"host": "0.0.0.0"}, {}, "Listening on 0.0.0.0 lets other machines in"),
        ({"host": "::"}, {}, "Listening on :: lets other machines in"),
        ({}, {"STATORDB_ROOT_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT"}, "must be set together"),
        ({"config": "/nonexistent.toml"}, {}, "can't be read: No such file or directory."),
        ({"host": ""}, {}, "The value '' of --host is empty."),
        ({"cassandra": "a,b:1"}, {}, "names more than one port"),
        ({"cassandra": "a,"}, {}, "is not HOST[:PORT],..."),
        ({"cassandra": "a:0"}, {}, "names a port that is not from 1 to 65535"),
        ({"keyspace": "A"}, {}, "is not a keyspace's name"),
        ({"endpoint": "http://a/b"}, {}, "is not HOST:PORT, nor an http:// or https:// address"),
        ({"cassandra": "a"}, {}, "use --engine cassandra"),
        (CLUSTER, {"STATORDB_CASSANDRA_USERNAME": "x"}, "must be set together"),
        (CLUSTER, {"STATORDB_CASSANDRA_KEY": "x"}, "must be set together"),
        (
            CLUSTER,
            {"STATORDB_CASSANDRA_KEY": "x", "STATORDB_CASSANDRA_CERTIFICATE": "x"},
            "cassandra_certificate needs cassandra_ca",
        ),
        ({"host": "no.such.host.invalid"}, {}, "has no address"),
        ({"shared_db": True, "auth": "iam"}, {}, "shared_db lets all keys see the same tables"),
        ({}, {"STATORDB_ALLOWED_ORIGINS": "*"}, "would let every web page read and drop all tables"),
        ({}, {"STATORDB_ALLOWED_ORIGINS": "evil.example"}, "is not *, nor SCHEME://HOST[:PORT],..."),
        ({}, {"STATORDB_ALLOWED_ORIGINS": "https://a.example/"}, "without anything behind"),
        ({}, {"STATORDB_ALLOWED_HOSTS": "a.example:8000"}, "is not NAME,... without ports"),
        (
            {"host": "0.0.0.0", "auth": "iam"},
            {},
            "use TLS (--tls auto, or tls_certificate and tls_key)",
        ),
        ({}, {"STATORDB_TLS_CERTIFICATE": "a"}, "tls_certificate and tls_key must be set together."),
        ({"tls": "auto"}, {"STATORDB_TLS_CERTIFICATE": "a", "STATORDB_TLS_KEY": "b"}, "can't be given too"),
        ({}, {"STATORDB_TLS_CLIENT_CA": "a"}, "tls_client_ca needs TLS"),
        ({}, {"STATORDB_ENDPOINTS": "x"}, "is not JSON"),
        ({}, {"STATORDB_ENDPOINTS": "{}"}, "is not a list of at most 64 endpoints"),
        ({}, {"STATORDB_ENDPOINTS": '[{"id": "vpce-1"}]'}, "without id, vpc or port"),
        ({}, {"STATORDB_ENDPOINTS": '[{"id": "a", "vpc": "vpc-1", "port": 1}]'}, "of which a value is not vpce-..."),
        ({}, {"STATORDB_ENDPOINTS": f"[{ENDPOINT}, {ENDPOINT}]"}, "has an id twice"),
        ({"auth": "iam"}, {"STATORDB_ENDPOINTS": f"[{ENDPOINT}]".replace("::1", "::")}, "Listening on :: without TLS"),
        ({}, {"STATORDB_ENDPOINTS": f"[{ENDPOINT}]".replace("::1", "::")}, "Listening on :: lets other machines in"),
        ({}, {"STATORDB_BACKUPS": "x"}, "is not JSON"),
        ({}, {"STATORDB_BACKUPS": "{}"}, "is not a list of at most 64 schedules"),
        ({}, {"STATORDB_BACKUPS": '[{"name": "a"}]'}, "a schedule without name or schedule"),
        ({}, {"STATORDB_BACKUPS": f"[{DAILY}, {DAILY}]"}, "has a name twice"),
        (
            {},
            {"STATORDB_BACKUPS": f"[{DAILY}]".replace("1 day", "1 tag")},
            "Schedule expression rate(1 tag) is not valid",
        ),
        ({}, {"STATORDB_BACKUPS": f"[{DAILY}]".replace('"*"', '""')}, "of which a value names no tables"),
        ({}, {"STATORDB_PROXIES": "10.0.0.1/8"}, "is not ADDRESS[/BITS],..."),
        ({}, {"STATORDB_HEALTH_STATUS": "204"}, "of STATORDB_HEALTH_STATUS is not one of 200, 400."),
        ({}, {"STATORDB_PROT": "1"}, "The environment has STATORDB_PROT, which is no setting: STATORDB_PORT is."),
        (
            {},
            {"STATORDB_TABLE_DELAY": "1"},
            "The environment has STATORDB_TABLE_DELAY, which is no setting: STATORDB_TABLE_DELAY_SECONDS is.",
        ),
        ({}, {"STATORDB_WORKER": "1"}, "STATORDB_WORKERS is."),
        ({}, {"STATORDB_LOGLEVEL": "info"}, "STATORDB_LOG_LEVEL is."),
        ({}, {"STATORDB_ENDPOINT_URL": "x"}, "STATORDB_ENDPOINT is."),
    ],
)
def test_bad_settings_are_one_sentence(
    arguments: dict[str, object], environment: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BadStart) as raised:
        load(arguments, environment)
    assert sentence in str(raised.value)


def test_what_others_call_alike_is_left_alone() -> None:
    """Kubernetes tells every container of a service that is called statordb."""
    service = {
        "STATORDB_SERVICE_HOST": "10.0.0.1",
        "STATORDB_SERVICE_PORT": "8000",
        "STATORDB_SERVICE_PORT_HTTP": "8000",
        "STATORDB_PORT": "tcp://10.0.0.1:8000",
        "STATORDB_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "STATORDB_PORT_8000_TCP_PROTO": "tcp",
        "STATORDB_PORT_8000_TCP_PORT": "8000",
        "STATORDB_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    assert load({}, service | {"STATORDB_TEST_CASSANDRA": "127.0.0.9"}) == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot = 1", "has an unknown key: prot (port is one)."),
        ("[server]\nport = 1", "has an unknown key: server."),
        ("port = [1]", "of port in "),
        ("port = true", "of port in "),
        ("host = 1", "of host in "),
        ("port", "is not TOML"),
        ('memory = true\ndata = "x"', "can't be used together"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadStart) as raised:
        load({"config": str(tmp_path / "a.toml")}, {})
    assert sentence in str(raised.value)


def test_beyond_loopback_without_tls_only_behind_a_proxy() -> None:
    found = load({"host": "0.0.0.0", "auth": "iam"}, {"STATORDB_BEHIND_PROXY": "1", "STATORDB_PROXIES": "10.0.0.0/8"})
    assert not found.is_encrypted
    assert str(found.proxies[0]) == "10.0.0.0/8"


def test_lists_are_text_with_commas_or_lists(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('allowed_origins = ["https://a.example", "https://b.example:1"]')
    found = load({"config": str(tmp_path / "file")}, {"STATORDB_ALLOWED_HOSTS": "a.example, B.example"})
    assert found.allowed_origins == ("https://a.example", "https://b.example:1")
    assert found.allowed_hosts == ("a.example", "B.example")


def test_schedules_of_backups_are_tables_of_the_file_or_json(tmp_path: Path) -> None:
    table = '[[backups]]\nname = "daily"\nschedule = "rate(1 day)"\ntables = ["*"]\nkeep_days = 7\n'
    (tmp_path / "file").write_text(table)
    expected = (ScheduledBackups("daily", "rate(1 day)", ("*",), 7),)
    assert load({"config": str(tmp_path / "file")}, {}).backups == expected
    assert load({}, {"STATORDB_BACKUPS": f"[{DAILY}]"}).backups == expected


def test_endpoints_are_tables_of_the_file_or_json(tmp_path: Path) -> None:
    """The last ones of a file, as TOML has it."""
    table = '[[endpoints]]\nid = "vpce-1"\nvpc = "vpc-2"\nport = 8001\nhost = "::1"\npolicy = "p.json"\n'
    (tmp_path / "file").write_text(f"port = 8000\n{table}")
    expected = (VpcEndpoint("vpce-1", "vpc-2", 8001, "::1", Path("p.json")),)
    assert load({"config": str(tmp_path / "file")}, {}).endpoints == expected
    assert load({}, {"STATORDB_ENDPOINTS": f"[{ENDPOINT}]"}).endpoints == expected


def test_the_servers_own_names_are_those_of_its_settings() -> None:
    found = load({"endpoint": "http://DB.example:8000"}, {"STATORDB_ALLOWED_HOSTS": "Other.example"})
    assert {"db.example", "other.example"} <= found.names
    assert "db.example" in load({"endpoint": "db.example"}, {}).names


def test_the_secret_is_never_shown() -> None:
    environment = {
        "STATORDB_ROOT_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT",
        "STATORDB_ROOT_SECRET_ACCESS_KEY": "very-secret-key",
    }
    assert "very-secret-key" not in repr(load({}, environment))
    with pytest.raises(BadStart) as raised:
        load({}, {**environment, "STATORDB_ROOT_SECRET_ACCESS_KEY": "a b"})
    assert "a b" not in str(raised.value)


def test_the_password_is_never_shown() -> None:
    environment = {"STATORDB_CASSANDRA_USERNAME": "x", "STATORDB_CASSANDRA_PASSWORD": "very-secret"}
    assert "very-secret" not in repr(load(CLUSTER, environment))


@pytest.mark.parametrize(
    ("text", "names", "port"),
    [
        ("a", ("a",), 9042),
        ("a, b.c ,a", ("a", "b.c"), 9042),
        ("10.0.0.1:9142,10.0.0.2:9142", ("10.0.0.1", "10.0.0.2"), 9142),
        ("::1", ("::1",), 9042),
        ("[fe80::1]:9142", ("fe80::1",), 9142),
        ("a,b:9042", ("a", "b"), 9042),
    ],
)
def test_nodes(text: str, names: tuple[str, ...], port: int) -> None:
    """IPv6 addresses have colons of their own."""
    assert load(CLUSTER | {"cassandra": text}, {}).cassandra == (names, port)


def test_beyond_loopback_with_checked_signatures() -> None:
    assert load({"host": "0.0.0.0", "auth": "iam", "tls": "auto"}, {}).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    """An open server may listen there alone, so a wrong yes would let strangers in."""
    assert is_loopback(host) is loopback


def test_workers_may_follow_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.server.settings.cores", lambda: 4)
    for words, count, follow in (({}, 4, False), ({"workers": "3"}, 3, False), ({"workers": "auto"}, 4, True)):
        settings = load(words, {})
        assert (settings.worker_count, settings.is_elastic) == (count, follow)


def test_throughput_is_limited_with_iam_and_else_where_it_is_asked_for() -> None:
    assert not Settings().throttles
    assert Settings(auth="iam").throttles
    assert Settings(throttle=True).throttles
    assert not Settings(auth="iam", throttle=False).throttles


def test_quotas_are_aws_with_throttling_unless_they_are_told() -> None:
    assert Settings().quotas == Quotas()
    assert Settings(throttle=True).quotas == Quotas(2500, 500, True)
    assert Settings(throttle=True, tables_max=0, control_operations_max=7).quotas == Quotas(0, 7, True)
    assert Settings(tables_max=3).quotas == Quotas(3, 0, False)


def test_test_controls_come_from_the_environment_though_other_variables_of_tests_do_not() -> None:
    assert load({}, {"STATORDB_TEST_CONTROLS": "1", "STATORDB_TEST_RUN": "7"}).test_controls


def test_test_controls_are_for_loopback_where_keys_are_checked() -> None:
    given = {"test_controls": True, "auth": "iam", "tls": "auto", "host": "0.0.0.0"}
    with pytest.raises(BadStart, match="without a key"):
        load(given, {})
    assert load({**given, "host": "127.0.0.1"}, {}).test_controls


def test_an_open_server_for_everyone_runs_nothing_and_sends_nothing() -> None:
    given = {"host": "0.0.0.0", "anyone_may_read_and_delete_everything": True}
    settings = load(given, {})
    assert not settings.runs_functions
    assert settings.destinations == ()
    for further in ({"functions": "on"}, {"functions": "shared-user"}, {"auth": "iam"}):
        with pytest.raises(BadStart, match="anyone_may_read_and_delete_everything"):
            load(given | further, {})
