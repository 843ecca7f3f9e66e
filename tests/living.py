"""Which processes there are of functions' users."""

from pathlib import Path

from statordb.launcher.users import Users


def living(users: Users, name: str = "") -> set[int]:
    """Those that live; `name`: only those of a program."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            fields = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if users.first <= int(fields["Uid"].split()[0]) <= users.last and fields["State"].split()[0] not in "ZX":
            if name in ("", fields["Name"].strip()):
                found.add(int(entry.name))
    return found
