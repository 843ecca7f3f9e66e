"""The command line. argparse: it costs 1 ms where typer costs 100, and start time counts."""

import argparse
from argparse import Namespace
from collections.abc import Sequence
from typing import NoReturn

from statordb import __version__
from statordb.server.setting_parsers import PARSERS
from statordb.server.settings import ENVIRONMENT_PREFIX, BadStart, nearest


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage text."""

    def parse_known_args(  # type: ignore[override]  # the overloads are for namespaces of other classes
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Refuses what it does not know itself: argparse has the outermost parser do it, which has other options."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            for word in unknown:
                _refuse_setting(word)
            options = {_plain(option): option for option in self._option_string_actions}
            near = [nearest(_plain(word.partition("=")[0]), options) for word in unknown if word.startswith("-")]
            meant = " ".join(options[name] for name in near if name)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{f': is {meant} meant?' if meant else ''}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise BadStart(f"{message[:1].upper()}{message[1:]} (see {self.prog} --help).")


def _refuse_setting(word: str) -> None:
    """Not every setting has an option. Raises BadStart."""
    option = word.partition("=")[0]
    name = option.removeprefix("--").replace("-", "_")
    if option.startswith("--") and name in PARSERS:
        variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
        raise BadStart(f"There is no option {option} here: the setting is {variable}, or {name} in a file (--config).")


def _plain(option: str) -> str:
    """An option as people remember it: DynamoDB Local's are -inMemory and -sharedDb."""
    return option.replace("-", "").replace("_", "").lower()


def parse(arguments: Sequence[str]) -> Namespace:
    """The command and the options that were given; one that was not given is absent. Raises BadStart.

    Options keep their text here: settings.py parses them, as it parses the environment and the file.
    """
    parser = _Parser(
        prog="statordb", description="A database server that speaks Amazon DynamoDB's API.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"statordb {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_serve(commands)
    _add_credentials(commands)
    _add_keys(commands)
    _add_verify(commands)
    _add_cluster(commands)
    _add_audit(commands)
    _add_bill(commands)
    _add_transfers(commands)
    _add_whole(commands)
    _add_launcher(commands)
    commands.add_parser("version", help="print the version")
    return parser.parse_args(arguments)


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_serve(commands: "Commands[_Parser]") -> None:
    serve = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server. Settings can also come from the environment (STATORDB_PORT=...) or a file.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    serve.add_argument("--user", metavar="NAME", help="whom the server becomes where root starts it")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", help="port to listen on (default 8000; 0: a free one)")
    place = serve.add_mutually_exclusive_group()
    place.add_argument("--data", metavar="DIR", help="directory of the data (default statordb-data)")
    place.add_argument("--memory", action="store_true", help="keep the data in memory; it is gone when the server ends")
    _add_engine(serve)
    serve.add_argument("--rack", metavar="NAME", help="whose nodes are asked first (default: each process chooses one)")
    serve.add_argument("--endpoint", metavar="HOST:PORT", help="where clients are told to find the server")
    serve.add_argument("--tls", metavar="off|auto", help="encrypt, by a certificate of the server's own (default off)")
    serve.add_argument("--workers", metavar="N", help="worker processes, or auto (default: one a core)")
    serve.add_argument("--auth", metavar="open|iam", help="let any credentials in, or only stored ones (default open)")
    serve.add_argument(
        "--throttle", metavar="on|off", help="limit the throughput of tables as AWS does (default: with --auth iam)"
    )
    serve.add_argument("--shared-db", action="store_true", help="let all keys and regions see the same tables")
    running = serve.add_mutually_exclusive_group()
    running.add_argument(
        "--functions", metavar="auto|on|off|isolated|shared-user", help="whether functions are run, and as which user"
    )
    running.add_argument(
        "--no-functions", dest="functions", action="store_false", help="run no functions, and leave Lambda's API out"
    )
    serve.add_argument("--admin-port", metavar="PORT", help="port of /metrics, /healthz and /readyz (default 9600)")
    shown = serve.add_mutually_exclusive_group()
    shown.add_argument("--console-port", metavar="PORT", help="port of the web console (default 8001)")
    shown.add_argument("--no-console", dest="console", action="store_false", help="have no web console")
    serve.add_argument(
        "--log-format", metavar="json|text|auto", help="form of the log (default auto: text on a terminal)"
    )
    serve.add_argument(
        "--test-controls", action="store_true", help="let tests move the clock, ask for faults and go back: /_statordb"
    )
    serve.add_argument("--request-log", action="store_true", help="log each request")
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default info)")


def _add_credentials(commands: "Commands[_Parser]") -> None:
    credentials = commands.add_parser("credentials", help="manage access keys", allow_abbrev=False)
    actions = credentials.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    create = actions.add_parser("create", help="make an access key; its secret is shown once", allow_abbrev=False)
    listing = actions.add_parser("list", help="show all access keys, without their secrets", allow_abbrev=False)
    delete = actions.add_parser("delete", help="remove an access key", allow_abbrev=False)
    delete.add_argument("access_key_id", metavar="ACCESS_KEY_ID")
    whose = "name of the user that the key belongs to (default root)"
    create.add_argument("--user", dest="owner", metavar="USER", default="root", help=whose)
    for action in (create, listing, delete):
        action.argument_default = argparse.SUPPRESS
        action.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="directory of the data")
        _add_engine(action)
        action.add_argument("--account", metavar="ID", default=argparse.SUPPRESS, help="account of 12 digits")
        action.add_argument("--json", action="store_true", default=False, help="print JSON")


def _add_keys(commands: "Commands[_Parser]") -> None:
    keys = commands.add_parser("keys", help="look after the root key of a store", allow_abbrev=False)
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    rotate = actions.add_parser("rotate", help="wrap the store's keys with a new root key", allow_abbrev=False)
    rotate.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="directory of the data")
    _add_engine(rotate)


def _add_verify(commands: "Commands[_Parser]") -> None:
    verify = commands.add_parser(
        "verify",
        help="see whether the rows of a store are what was written",
        description="See whether the rows of a store are what was written. Exit code 0: as far as they tell; 1: not.",
        allow_abbrev=False,
    )
    verify.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="directory of the data")
    verify.add_argument("--show-keys", action="store_true", help="tell the primary keys of the items that are wrong")
    _add_engine(verify)


def _add_cluster(commands: "Commands[_Parser]") -> None:
    cluster = commands.add_parser("cluster", help="look after the Cassandra cluster of a store", allow_abbrev=False)
    actions = cluster.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    check = actions.add_parser(
        "check",
        help="see whether the cluster is as it must be",
        description="See whether the cluster is as it must be. Exit code 0: it is; 1: it is not.",
        allow_abbrev=False,
    )
    check.add_argument(
        "--allow-periodic",
        action="store_true",
        help="accept commit logs that are synced now and then: nodes that fail together lose acknowledged writes",
    )
    init = actions.add_parser("init", help="make the keyspace and its tables, or migrate them", allow_abbrev=False)
    for action in (check, init):
        _add_engine(action)


def _add_audit(commands: "Commands[_Parser]") -> None:
    audit = commands.add_parser("audit", help="look after the audit log", allow_abbrev=False)
    actions = audit.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    verify = actions.add_parser(
        "verify",
        help="see whether the audit log is what was written",
        description="See whether the audit log is what was written. Exit code 0: it is; 1: it is not.",
        allow_abbrev=False,
    )
    verify.add_argument("directory", metavar="DIR", help="the audit log's directory")
    verify.add_argument(
        "--known",
        metavar="NAME=HASH",
        action="append",
        default=[],
        help="a hash that verify told as the end of a chain: it must be in it still, or be what its files go on with",
    )


def _add_bill(commands: "Commands[_Parser]") -> None:
    bill = commands.add_parser(
        "bill",
        help="what the tables would cost on AWS",
        description="What was used of tables in a month, and what it would cost on AWS.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    bill.add_argument("--month", metavar="YYYY-MM", help="of which month (default: this one, in UTC)")
    bill.add_argument("--account", metavar="ID", help="only of this account, of 12 digits")
    bill.add_argument("--region", metavar="NAME", help="only of this region")
    bill.add_argument("--table", metavar="NAME", help="only of tables of this name")
    bill.add_argument("--by-table", action="store_true", default=False, help="show the lines of each table")
    bill.add_argument("--json", action="store_true", default=False, help="print JSON")
    bill.add_argument("--prices", metavar="FILE", help="price sheet to go by (default: the one of this release)")
    bill.add_argument(
        "--compare", action="store_const", const="1", help="price the same requests on demand and provisioned"
    )
    bill.add_argument("--data", metavar="DIR", help="directory of the data")
    _add_engine(bill)


def _add_transfers(commands: "Commands[_Parser]") -> None:
    exporting = commands.add_parser(
        "export",
        help="write a table to a file",
        description="Write the items of a table to a file, over DynamoDB's API.",
        allow_abbrev=False,
    )
    exporting.add_argument("table", metavar="TABLE", help="its name")
    exporting.add_argument("file", metavar="FILE", help="ends with .json, .jsonl or .ion, and .gz if compressed")
    importing = commands.add_parser(
        "import",
        help="write the items of a file to a table",
        description="Write the items of a file, or of a copied export of AWS, to a table, over DynamoDB's API.",
        allow_abbrev=False,
    )
    importing.add_argument("file", metavar="FILE", help="a file, or the directory of an export to S3")
    importing.add_argument("table", metavar="TABLE", help="its name")
    importing.add_argument("--delimiter", metavar="CHARACTER", default=",", help="of CSV: , ; : | tab or space")
    importing.add_argument("--header", metavar="NAMES", default=None, help="of CSV: columns, if no line has them")
    for command in (exporting, importing):
        command.add_argument(
            "--format", choices=("DYNAMODB_JSON", "ION", "CSV"), default=None, help="where the name does not say it"
        )
        command.add_argument(
            "--endpoint", metavar="URL", default=argparse.SUPPRESS, help="of the server (default: this machine's)"
        )
        command.add_argument("--aws", action="store_true", default=False, help="the table is on AWS")
        command.add_argument(
            "--region", metavar="NAME", default=argparse.SUPPRESS, help="of the table (default: as AWS SDKs find it)"
        )
        command.add_argument("--parallel", metavar="N", default="4", help="segments or batches side by side (4)")


def _add_whole(commands: "Commands[_Parser]") -> None:
    backup = commands.add_parser(
        "backup",
        help="copy a whole store to another place",
        description="Copy a whole store as it is at one moment, or see whether such copies are what was written: "
        "statordb backup TO, statordb backup verify FROM. Places: a directory, or s3://BUCKET/PREFIX.",
        allow_abbrev=False,
    )
    backup.add_argument("words", metavar="[verify] PLACE", nargs="+", help="a directory, or s3://BUCKET/PREFIX")
    restore = commands.add_parser(
        "restore",
        help="bring a whole store back",
        description="Bring a whole store back from its archive, or from a copy that statordb backup made.",
        allow_abbrev=False,
    )
    restore.add_argument("--from", dest="source", metavar="PLACE", required=True, help="a directory, or s3://...")
    restore.add_argument(
        "--at", metavar="MOMENT", default=None, help="one that backup verify tells (default: the last)"
    )
    for command in (backup, restore):
        command.add_argument("--keys", metavar="FILE", default=None, help="root key file of the store: keys.json")
        command.add_argument("--credentials", metavar="FILE", default=None, help="for S3, in the form of AWS's SDKs")
        command.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="directory of the data")
        _add_engine(command)


def _add_launcher(commands: "Commands[_Parser]") -> None:
    launcher = commands.add_parser(
        "launcher",
        help="start functions for a server that is not root",
        description="Start functions as users of their own, for a server of another user. Runs as root.",
        allow_abbrev=False,
    )
    launcher.add_argument("--socket", metavar="PATH", required=True, help="where the server finds it")
    launcher.add_argument("--user", metavar="NAME", required=True, help="the server's user")
    launcher.add_argument("--users", metavar="FIRST-LAST", required=True, help="whom functions run as, by number")
    launcher.add_argument("--directory", metavar="DIR", required=True, help="the server's functions_directory")
    launcher.add_argument(
        "--code", metavar="DIR", action="append", default=[], help="another directory that functions may be run from"
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    """What tells where a store is, beside the directory of its data."""
    absent = argparse.SUPPRESS
    parser.add_argument("--engine", metavar="lmdb|cassandra", default=absent, help="what keeps the data (default lmdb)")
    parser.add_argument("--cassandra", metavar="HOST[:PORT],...", default=absent, help="some nodes of the cluster")
    parser.add_argument("--datacenter", metavar="NAME", default=absent, help="the datacenter whose nodes are asked")
    parser.add_argument("--keyspace", metavar="NAME", default=absent, help="the store's keyspace (default statordb)")
    parser.add_argument("--config", metavar="FILE", default=absent, help="TOML file with settings")
