"""The demo, small: StatorDB, the service, the function and shoppers as real processes, and the proof that nothing was
lost."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "cart" / "demo.py"


@pytest.mark.slow
def test_no_update_is_lost() -> None:
    command = [sys.executable, str(DEMO), "--users", "50", "--seconds", "3", "--connections", "16"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No lost update." in ended.stdout
    reached = re.search(r"([\d,]+) of ([\d,]+) acknowledged updates reached the function", ended.stdout)
    assert reached is not None
    assert reached[1] == reached[2] != "0"
    assert "Every count is what the carts hold." in ended.stdout
    assert "Trigger lag" in ended.stdout
    assert re.search(r"[1-9]\d* visits, 0 failed", ended.stdout)
    # Without conflicts the run would have shown nothing.
    conflicts = re.search(r"([\d,]+) changes met a newer cart", ended.stdout)
    assert conflicts is not None
    assert int(conflicts[1].replace(",", "")) > 0
