"""What ONNX's own cases can notice: docs/zoo.md says it of the light networks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from matrix.catalogue import ROOT

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def test_the_light_networks_give_one_number_everywhere_as_is_said_of_them() -> None:
    said = re.findall(r"^\| `(light_\w+)` \| 1000 \| ([\d.]+) \|", (ROOT / "docs" / "zoo.md").read_text(), re.MULTILINE)
    found = {path.name.removesuffix("_output_0.pb"): path for path in LIGHT.glob("light_*_output_0.pb")}
    assert dict(said).keys() == found.keys()
    for name, number in said:
        given = numpy_helper.to_array(onnx.load_tensor(found[name]))
        assert given.size == 1000
        assert np.ptp(given) == 0
        np.testing.assert_allclose(given.max(), float(number), rtol=1e-4)
