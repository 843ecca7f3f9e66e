"""How a launcher begins, or does not."""

from pathlib import Path

import pytest

from statordb.launcher.start import CannotBegin, serve_socket
from statordb.launcher.users import Users


def test_one_that_can_not_begin_leaves_the_socket_of_another(tmp_path: Path) -> None:
    """A second one, started by mistake, would else cut the server off from the first."""
    path = tmp_path / "socket"
    path.write_text("another's")
    with pytest.raises(CannotBegin):
        serve_socket(path, Users(1000, 1010), 1005, str(tmp_path), [])
    assert path.read_text() == "another's"
