"""The example is a folder of programs, not a package: its modules are imported as `service.py` imports them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "cart"))
