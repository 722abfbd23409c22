"""The process in which a framework or runtime works: takes one JSON job per line, answers one JSON result per line.

Started by guard.py, and runs in every environment, so: standard library only, Python 3.6 syntax. Jobs and answers
travel on private copies of stdin and stdout; the real stdout and stderr go to each job's log, since frameworks print.
MODULE is the exporter or importer, loaded from its path so that its folder stays off sys.path; KIND is a function of
jobs.py. A module that sets ISOLATE gets each job in a fork of its own: the import is paid once, and no state or
asynchronous error outlives a job. Every message about a job bears its token, so that no other can be taken for it.
"""

import ctypes
import fcntl
import importlib.util
import json
import os
import platform
import re
import resource
import socket
import sys
import time
import traceback
import types
from contextlib import suppress

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# The exit code of a fork that told its answer; a framework that leaves by itself may well say 0.
ANSWERED = 89
# What the system says when the trouble is the machine's, or the fence's, and not the tool's.
OUR_TROUBLE = r"No space left on device|Disk quota exceeded|Read-only file system|Too many open files"
# An answer longer than this (in characters) is none.
LONGEST_ANSWER = 1000000


def load_module(name, path):
    """The Python file `path` as a module called `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def put_beside(path):
    """Let the module `path` import those of its folder, as `from beside import other`."""
    package = types.ModuleType("beside")
    package.__path__ = [os.path.dirname(path)]
    sys.modules["beside"] = package


def leave_network():
    """Move this process to an empty network namespace; says "none", or "open" where the system does not allow it."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        fenced = libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    except (OSError, AttributeError):
        fenced = False
    return "none" if fenced or [name for _, name in socket.if_nameindex()] == ["lo"] else "open"


def flush_output():
    """Write out what Python and C code have printed, as far as that is still possible."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # a framework has closed or replaced it
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def redirect_output(path):
    """Send the real stdout and stderr, also those of native code, to the file `path`, whatever became of them."""
    flush_output()
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    log = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)  # a framework that closed stdout has made room for it there
    os.close(opened)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(getattr(sys, name), "closed", True):
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


class Surroundings:
    """The working directory and the environment variables, as they were before any job."""

    def __init__(self):
        self.folder, self.variables = os.getcwd(), dict(os.environ)

    def restore(self):
        """Undo what the last job has changed."""
        os.chdir(self.folder)
        if dict(os.environ) != self.variables:
            os.environ.clear()
            os.environ.update(self.variables)


def limit(settings):
    """No core dumps, no endless files, the priority that was asked for; when memory is short, the worker goes first."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_mb"] * 2**20,) * 2)
    os.nice(settings["nice"])
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


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
    if getattr(error, "ours", False) or re.search(OUR_TROUBLE, text):
        status = "NOT_RUN"
    elif isinstance(error, MemoryError):
        status = "MEMORY"
    elif isinstance(error, NotImplementedError) or any(re.search(p, text) for p in unsupported):
        status = "UNSUPPORTED"
    else:
        status = "ERROR"
    return status, text[:4000]


def attempt(work, module, job, stages, answer):
    """Do one job, and say in `answer` how it ended."""
    try:
        result = work(module, job, stages)
        if len(json.dumps(result)) > LONGEST_ANSWER:  # what cannot be told is this job's failure, not our end
            raise ValueError("the answer is longer than {} characters".format(LONGEST_ANSWER))
        answer["result"] = result
    # Frameworks leave by sys.exit too (paddle2onnx does), so every exception ends here.
    except BaseException as error:
        with suppress(Exception):  # it may have closed stderr
            traceback.print_exc()
        answer["status"], answer["message"] = describe_failure(error, getattr(module, "UNSUPPORTED", ()))


def perform(work, module, job, tell):
    """Do one job and tell the host how it ended."""
    stages = Stages(lambda message: tell(dict(message, token=job["token"])))
    answer = {"event": "done", "token": job["token"], "status": "OK", "message": "", "result": None}
    try:
        redirect_output(job["log"])
    except OSError as error:
        answer.update(status="NOT_RUN", message="the log cannot be written: {}".format(error))
    else:
        reset_peak()
        stages("load")
        attempt(work, module, job, stages, answer)
    stages.close()
    answer.update(stage=stages.name, seconds=stages.seconds, peak_mb=peak_mb())
    flush_output()
    tell(answer)


def how_ended(status):
    """The signal and exit code that waitpid's status holds, 0 where there is none."""
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
    }


def perform_in_fork(work, module, job, tell):
    """Do one job in a fork; tell the host how the fork ended when it could not tell it itself."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            perform(work, module, job, tell)
            code = ANSWERED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != ANSWERED << 8:
        tell(dict(how_ended(status), event="died", token=job["token"]))


def main(channel, kind, module_path, scratch, settings):
    """Announce this worker on the descriptor `channel`, then do jobs until the host closes stdin."""
    jobs_in = os.fdopen(os.dup(0), "r")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a framework that asks for input gets none, and no job either
    redirect_output(os.path.join(scratch, "start.log"))
    limit(json.loads(settings))

    def tell(message):
        data = ("\n" + json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(channel, data) :]

    network = leave_network()
    begun = time.perf_counter()
    jobs = load_module("interop_jobs", os.path.join(os.path.dirname(os.path.abspath(__file__)), "jobs.py"))
    put_beside(module_path)
    try:
        module = load_module("interop_adapter", module_path)
    except BaseException as error:
        traceback.print_exc()
        tell({"event": "broken", "message": "{}: {}".format(type(error).__name__, error)})
        return
    isolated = bool(getattr(module, "ISOLATE", False))
    tell(
        {
            "event": "hello",
            "python": platform.python_version(),
            "network": network,
            "isolated": isolated,
            "import_seconds": round(time.perf_counter() - begun, 3),
        }
    )
    do, surroundings = perform_in_fork if isolated else perform, Surroundings()
    for line in iter(jobs_in.readline, ""):
        do(getattr(jobs, kind), module, json.loads(line), tell)
        surroundings.restore()
