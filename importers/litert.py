"""LiteRT: the ONNX file converted by onnx2tf to a float32 .tflite file, run by LiteRT's interpreter on one thread.

onnx2tf makes what is channels first channels last. Its options leave the inputs as the file has them: for images
`keep_ncw_or_nchw_or_ncdhw_input_names`, for sequences `keep_shape_absolutely_input_names`. Outputs have no such option:
they come as it made them. For inputs that look like images, channels last, it downloads test data, which guide its search
for the axes; random numbers lie in their place, where its documentation has those put who are offline.
"""

import contextlib
import io
import os
import tempfile

import ai_edge_litert.interpreter as litert
import numpy as np
import onnx2tf

PACKAGES = ("onnx2tf", "ai-edge-litert", "tensorflow", "onnx")
UNSUPPORTED = (r"is not yet implemented", r"not supported")
WRITES_BESIDE_MODEL = True  # it simplifies the file where it lies
ISOLATE = True  # Keras keeps names and graphs

IMAGES = (4, 5)
TEST_DATA = "calibration_image_sample_data_20x128x128x3_float32.npy"


def load(path, request):
    """The interpreter's runner of the file's one signature, whose names are those of the ONNX file."""
    os.chdir(tempfile.mkdtemp())
    np.save(TEST_DATA, np.random.RandomState(0).rand(20, 128, 128, 3).astype("float32"))
    ranks = {i["name"]: len(i["shape"]) for i in request.inputs}
    convert(
        input_onnx_file_path=path,
        output_folder_path="out",
        output_signaturedefs=True,
        keep_ncw_or_nchw_or_ncdhw_input_names=[name for name, rank in ranks.items() if rank in IMAGES],
        keep_shape_absolutely_input_names=[name for name, rank in ranks.items() if rank not in IMAGES],
        verbosity="error",
    )
    made = [name for name in os.listdir("out") if name.endswith("_float32.tflite")]
    return litert.Interpreter(os.path.join("out", made[0]), num_threads=1).get_signature_runner()


def convert(**options):
    """Let onnx2tf write its files. Where it fails it says why on stdout, and ends the process."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            onnx2tf.convert(**options)
    except SystemExit as error:
        raise RuntimeError("onnx2tf: %s" % said.getvalue()) from error
    finally:
        print(said.getvalue())


def run(session, inputs):
    """All outputs by name."""
    return session(**inputs)
