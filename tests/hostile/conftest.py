"""What is permitted and heavy, against real servers. Requests and loads are those of the benchmark."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
