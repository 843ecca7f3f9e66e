"""Large buffers: their memory is used again."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
from statordb.server.allocator import keep_large_buffers
if not keep_large_buffers():
    raise SystemExit("other C library")
item = bytes(400_000)
item[1:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    item[1:][1:][1:]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_AN_ITEM = 100


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library does as it likes")
def test_copies_of_a_large_item_take_no_new_pages() -> None:
    """In a process of its own, since it changes that for good."""
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if "other C library" in told.stderr:
        pytest.skip("not the GNU C library")
    assert int(told.stdout) < 10 * PAGES_OF_AN_ITEM, told.stderr  # of 300 copies
