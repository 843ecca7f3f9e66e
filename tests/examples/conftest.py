"""The example is a folder of programs, not a package: its modules are imported as `service.py` imports them, and those
of the function as they lie in its zip."""

import sys
from pathlib import Path

CART = Path(__file__).resolve().parents[2] / "examples" / "cart"
sys.path += [str(CART), str(CART / "recommendations")]
