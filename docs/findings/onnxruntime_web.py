"""ONNX Runtime Web with WebGPU: no kernel for a Dropout that makes a graph output, a ConvTranspose of three axes taken
and then refused; Sin is as exact as the graphics driver's.

onnxruntime-web 1.30.0, playwright 1.65.2, Chromium 156. Environment: onnxruntimeweb1.30, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/onnxruntimeweb1.30/bin/python docs/findings/onnxruntime_web.py /tmp/findings
"""

import os
import shutil
import sys

import numpy as np
from playwright.sync_api import sync_playwright

dist = os.path.join(sys.prefix, "node_modules", "onnxruntime-web", "dist", "")
software = ["--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader", "--enable-features=Vulkan"]
flags = [
    "--no-sandbox",
    "--allow-file-access-from-files",
    "--enable-unsafe-webgpu",
    "--ignore-gpu-blocklist",
    *software,
]
script = """async ([dist, model, provider, data, dims]) => {
  const ort = await import(dist + "ort.webgpu.min.mjs");
  ort.env.wasm.wasmPaths = dist;
  ort.env.wasm.numThreads = 1;
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
    const { y } = await session.run({ x: new ort.Tensor("float32", data, dims) });
    return Array.from(y.data);
  } catch (error) {
    return String(error);
  }
}"""
cases = {
    "Dropout": np.arange(6.0).reshape(2, 3),
    "ConvTranspose-3": np.arange(8.0).reshape(1, 1, 2, 2, 2),  # by a kernel of one 1
    "Sin": np.array([-3, -1, 0.5, 2, 3]),
}
told = {}
with sync_playwright() as driver:
    program = shutil.which("chromium")
    browser = driver.chromium.launch(executable_path=program, args=flags, ignore_default_args=["--disable-gpu"])
    for name, x in cases.items():
        expected = np.sin(x) if name == "Sin" else x
        print(f"{name}: expected {expected.ravel()}")
        for provider in ("wasm", "webgpu"):  # of the same package: its WebAssembly, and the graphics card
            page = browser.new_page()
            page.goto("file://" + os.path.abspath(__file__))
            model = os.path.join(os.path.abspath(sys.argv[1]), name + ".onnx")
            got = page.evaluate(script, [dist, model, provider, x.ravel().tolist(), list(x.shape)])
            page.close()
            error = None if isinstance(got, str) else np.abs(np.array(got) - expected.ravel()).max()
            told[name, provider] = error
            print(f"  {provider}:", got if error is None else f"error {error:.1e}")
    browser.close()

refused = told["Dropout", "webgpu"] is None and told["ConvTranspose-3", "webgpu"] is None
right = told["ConvTranspose-3", "wasm"] == 0 and told["Sin", "wasm"] < 1e-6
reproduced = refused and right and 1e-5 < told["Sin", "webgpu"] < 2**-11  # which is what WGSL allows
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
