"""A node that has lost the others, and is still reached: a process that prefers its rack is served by another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pace import much

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a network of its own")
@pytest.mark.skipif(not much(False, True), reason="three more nodes, for two minutes: make soak")
def test_another_rack_serves_while_a_node_is_cut_off_from_the_others(directory: Path) -> None:
    command = ["unshare", "-n", sys.executable, "-m", "tests.faults.cut_off", str(directory / "nodes")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    first, meanwhile, after = done.stdout.split()
    assert meanwhile != first == after
