"""An importer whose framework, when it is imported, closes the pipe on which the worker would get its jobs."""

import contextlib
import fcntl
import os
import stat

for number in range(3, 64):
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(os.fstat(number).st_mode) and not fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY:
            os.close(number)
