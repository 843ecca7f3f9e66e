"""The benchmark is a folder of programs, not a package: its modules are imported as `bench/run.py` imports them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
