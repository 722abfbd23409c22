"""`python -m matrix` is `onnx-interop`."""

import sys

from matrix.cli import main

sys.exit(main())
