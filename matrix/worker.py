"""The process in which a framework or runtime works: takes one JSON job per line, answers one JSON result per line.

    python -I worker.py KIND MODULE.py SCRATCH

Runs in every environment, so: standard library only, Python 3.6 syntax. Answers travel on a private copy of stdout;
the real stdout and stderr go to each job's log, since frameworks print. MODULE is the exporter or importer, loaded
from its path so that its folder stays off sys.path; KIND is a function of jobs.py. A module that sets ISOLATE gets
each job in a fork of its own: the import is paid once, and no state or asynchronous error outlives a job.
"""

import ctypes
import importlib.util
import json
import os
import platform
import re
import resource
import sys
import time
import traceback

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# The exit code of a fork that told its answer; a framework that leaves by itself may well say 0.
ANSWERED = 89


def load_module(name, path):
    """The Python file `path` as a module called `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def leave_network():
    """Move this process to an empty network namespace; says "none", or "open" where the system does not allow it."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        fenced = libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    except (OSError, AttributeError):
        fenced = False
    return "none" if fenced else "open"


def flush_output():
    """Write out what Python and C code have printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)


def redirect_output(path):
    """Send the real stdout and stderr, also those of native code, to the file `path`."""
    flush_output()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def reset_peak():
    """Let the peak of resident memory count from now (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_mb():
    """Peak of resident memory since reset_peak, in MB (where the system cannot tell: since the process started)."""
    try:
        with open("/proc/self/status") as file:
            return int(re.search(r"VmHWM:\s*(\d+)", file.read()).group(1)) // 1024
    except (OSError, AttributeError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Stages:
    """The stage in hand and the seconds of each one that is over; each change is told to the host."""

    def __init__(self, tell):
        self.tell, self.name, self.seconds, self.started = tell, "load", {}, time.perf_counter()

    def __call__(self, name):
        """Stage `name` begins."""
        self.close()
        self.name = name
        self.tell({"event": "stage", "stage": name})

    def close(self):
        """Book the time of the stage in hand."""
        now = time.perf_counter()
        self.seconds[self.name] = round(self.seconds.get(self.name, 0.0) + now - self.started, 6)
        self.started = now


def describe_failure(error, unsupported):
    """Status and message of an exception; `unsupported` are the patterns by which a tool says that it cannot."""
    text = COLOURS.sub("", "{}: {}".format(type(error).__name__, error))
    if isinstance(error, MemoryError):
        status = "MEMORY"
    elif isinstance(error, NotImplementedError) or any(re.search(p, text) for p in unsupported):
        status = "UNSUPPORTED"
    else:
        status = "ERROR"
    return status, text[:4000]


def perform(work, module, job, tell):
    """Do one job and tell the host how it ended."""
    redirect_output(job["log"])
    reset_peak()
    stages = Stages(tell)
    answer = {"event": "done", "id": job["id"], "status": "OK", "message": "", "result": None}
    try:
        result = work(module, job, stages)
        json.dumps(result)  # what cannot be told is this job's failure, not the end of the process
        answer["result"] = result
    # Frameworks leave by sys.exit too (paddle2onnx does), so every exception ends here.
    except BaseException as error:
        traceback.print_exc()
        answer["status"], answer["message"] = describe_failure(error, getattr(module, "UNSUPPORTED", ()))
    stages.close()
    answer.update(stage=stages.name, seconds=stages.seconds, peak_mb=peak_mb())
    flush_output()
    tell(answer)


def perform_in_fork(work, module, job, tell):
    """Do one job in a fork; tell the host how the fork ended when it could not tell it itself."""
    child = os.fork()
    if child == 0:
        perform(work, module, job, tell)
        os._exit(ANSWERED)
    _, status = os.waitpid(child, 0)
    if status != ANSWERED << 8:
        tell({"event": "died", "id": job["id"], "signal": os.WTERMSIG(status), "code": os.WEXITSTATUS(status)})


def main(kind, module_path, scratch):
    """Announce this worker, then do jobs until the host closes stdin."""
    channel = os.dup(1)
    os.set_inheritable(channel, False)
    redirect_output(os.path.join(scratch, "start.log"))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def tell(message):
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(channel, data) :]

    network = leave_network()
    begun = time.perf_counter()
    jobs = load_module("interop_jobs", os.path.join(os.path.dirname(os.path.abspath(__file__)), "jobs.py"))
    try:
        module = load_module("interop_adapter", module_path)
    except BaseException as error:
        traceback.print_exc()
        tell({"event": "broken", "message": "{}: {}".format(type(error).__name__, error)})
        return
    tell(
        {
            "event": "hello",
            "python": platform.python_version(),
            "network": network,
            "import_seconds": round(time.perf_counter() - begun, 3),
        }
    )
    do = perform_in_fork if getattr(module, "ISOLATE", False) else perform
    for line in iter(sys.stdin.readline, ""):
        do(getattr(jobs, kind), module, json.loads(line), tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
