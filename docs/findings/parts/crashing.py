"""What the scripts about crashes share: each case in a process of its own, and how that ended."""

import os
import signal
import subprocess
import sys


def ended(name):
    """The signal that ended one of at most three processes with this case, or that none did."""
    command = [sys.executable, os.path.abspath(sys.argv[0]), sys.argv[1], name]
    for _ in range(3):
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        if code < 0:
            return signal.Signals(-code).name
    return "an error" if code else "no signal"


def tell(run, cases):
    """Do one case, where the command line names it; else start each and compare how it ended with what is claimed.

    run: does the case of a name. cases: name -> what it is, whether it ends the process.
    """
    if len(sys.argv) > 2:
        run(sys.argv[2])
        sys.exit()
    seen = []
    for name, (title, dies) in cases.items():
        how = ended(name)
        print(f"{title}: expected no signal, got {how}")
        seen.append(dies == how.startswith("SIG"))
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))
