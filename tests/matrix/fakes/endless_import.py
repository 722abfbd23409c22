"""An importer whose framework never ends being imported."""

import time

time.sleep(60)
