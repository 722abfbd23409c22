"""Lets the tests of the site use what those of the host code share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "matrix"))
