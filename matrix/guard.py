"""The process between the host and a worker: it starts the worker, tells how it died, and leaves nobody behind.

    python -I guard.py LIFELINE KIND MODULE.py SCRATCH SETTINGS

LIFELINE is the read end of a pipe whose other end the host holds, and nobody else: when it is closed, because the host
is done or is dead, everything that the worker has started ends too. As a subreaper (Linux) this process inherits the
orphans of the worker, also those with a session of their own. It never imports a framework, so it cannot be taken down
by one. Standard library only, Python 3.6 syntax.
"""

import ctypes
import importlib.util
import json
import os
import select
import signal
import sys
import time
import traceback
from contextlib import suppress

GRACE = 2.0
"""Seconds between TERM and KILL."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def descendants():
    """The processes that descend from this one, from /proc; children before their own children."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, "rb") as file:
                    parent = int(file.read().rsplit(b")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry))
            except (OSError, IndexError):
                continue  # it is gone
    found = list(children.get(os.getpid(), []))
    for pid in found:
        found += children.get(pid, [])
    return found


def signal_all(number):
    """Send a signal to every descendant; says whether there was one."""
    pids = descendants()
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)
    return bool(pids)


def reap(worker):
    """Take up whoever has ended; the exit status of the worker if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == worker:
            found = status


def end_all(worker, alive):
    """TERM, and once the worker is gone or GRACE is over, KILL until nobody is left."""
    deadline = time.monotonic() + GRACE
    if alive:
        signal_all(signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.005)
        alive = reap(worker) is None
    while signal_all(signal.SIGKILL):
        time.sleep(0.005)
        reap(worker)


def watch(worker, lifeline, woken):
    """Wait until the worker ends (its exit status) or the lifeline is closed (None)."""
    while True:
        readable, _, _ = select.select([lifeline, woken], [], [])
        if woken in readable:
            os.read(woken, 512)
            status = reap(worker)
            if status is not None:
                return status
        if lifeline in readable:
            return None


def load_worker():
    """The module worker.py, which lies beside this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    spec = importlib.util.spec_from_file_location("interop_worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def work(module, arguments, lifeline, stdout):
    """Be the worker; never returns."""
    code = 1
    try:
        os.close(lifeline)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # should somebody kill the guard
        module.main(stdout, *arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # no native thread that is still running can hold up the end


def main(lifeline, *arguments):
    """Fork the worker and watch it."""
    lifeline = int(lifeline)
    os.set_inheritable(lifeline, False)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    channel = os.dup(1)  # not inherited by programs that the worker starts
    module = load_worker()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    worker = os.fork()
    if worker == 0:
        os.close(woken)
        os.close(wake)
        work(module, arguments, lifeline, channel)
    # The host ends this process by the lifeline; TERM to the group is for the worker.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    status = reap(worker)  # it may have ended before anybody listened
    if status is None:
        status = watch(worker, lifeline, woken)
    if status is not None:
        ended = dict(module.how_ended(status), event="exit")
        with suppress(OSError):  # the host may be gone
            # On a line of its own, whatever the worker was writing when it died.
            os.write(channel, ("\n" + json.dumps(ended) + "\n").encode())
    end_all(worker, status is None)
    os._exit(0)  # the host waits for it, and there is nothing to tidy up


if __name__ == "__main__":
    main(*sys.argv[1:])
