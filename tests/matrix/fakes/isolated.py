"""The fake importer, each job in a fork of its own."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("fake_importer", Path(__file__).with_name("importer.py"))
assert _spec is not None
assert _spec.loader is not None
_importer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_importer)

ISOLATE = True
UNSUPPORTED, load, run, describe = _importer.UNSUPPORTED, _importer.load, _importer.run, _importer.describe
