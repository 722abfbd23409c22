"""OpenVINO, CPU device; in float32, or in the precision that it prefers on this CPU (bfloat16 where it has that)."""

import numpy as np
import openvino as ov

PACKAGES = ("openvino",)
UNSUPPORTED = (
    r"No conversion rule found",
    r"NotImplementedFailure",
    r"not supported",
    r"must be static",
    r"Unsupported value_info type",
    r"[Uu]nsupported ((element |data |operation of )?type|padding mode|src_prc)",
    r"(doesn't|does not) support",
    r"only supported for",
    r"`fmod` attribute must be set to 1",
)
PRECISIONS = {"f32": {"INFERENCE_PRECISION_HINT": "f32"}, "default": {}}
ASKED = ("EXECUTION_DEVICES", "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS")
#: Types that NumPy lacks, as OpenVINO and ml_dtypes name them, and the bits of an element: they pass as bytes.
NARROW = {
    "bf16": ("bfloat16", 16),
    "f8e4m3": ("float8_e4m3fn", 8),
    "f8e5m2": ("float8_e5m2", 8),
    "f8e8m0": ("float8_e8m0fnu", 8),
    "f4e2m1": ("float4_e2m1fn", 4),
    "i4": ("int4", 4),
    "u4": ("uint4", 4),
    "u2": ("uint2", 2),
}


def load(path, request):
    """The model compiled for the CPU, on one thread; `request.option` names the precision."""
    core = ov.Core()
    settings = dict(PRECISIONS[request.option], INFERENCE_NUM_THREADS=1)
    return core.compile_model(core.read_model(path), "CPU", settings), request.outputs


def run(session, inputs):
    """All outputs by name."""
    compiled, names = session
    request = compiled.create_infer_request()
    results = request.infer({name: _packed(value) for name, value in inputs.items()})
    return {name: _unpacked(request.get_tensor(name), results[name]) for name in names}


def _packed(value):
    """What OpenVINO takes for a value: the value itself, but for arrays of types that NumPy lacks."""
    dtype = getattr(getattr(value, "dtype", None), "name", "")
    kind, bits = next(((kind, bits) for kind, (name, bits) in NARROW.items() if name == dtype), ("", 0))
    if not kind:
        return value
    codes = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    if bits < 8:  # the first element lies in the lowest bits
        codes = np.append(codes % 2**bits, np.zeros(-codes.size % (8 // bits), np.uint8)).reshape(-1, 8 // bits)
        codes = (codes << np.arange(0, 8, bits, dtype=np.uint8)).sum(1, dtype=np.uint8)
    tensor = ov.Tensor(getattr(ov.Type, kind), ov.Shape(value.shape))
    tensor.data.reshape(-1).view(np.uint8)[...] = codes
    return tensor


def _unpacked(tensor, array):
    """The values of an output, in the type that OpenVINO says they have."""
    name, bits = NARROW.get(tensor.get_element_type().get_type_name(), ("", 0))
    if not name:
        return array
    import ml_dtypes

    codes = array.reshape(-1).view(np.uint8)
    if bits < 8:
        codes = (codes[:, None] >> np.arange(0, 8, bits, dtype=np.uint8) & 2**bits - 1).reshape(-1)[: tensor.get_size()]
    if name == "int4":
        codes = ((codes + 8) % 16).astype(np.int8) - np.int8(8)
        return codes.astype(ml_dtypes.int4).reshape(tuple(tensor.get_shape()))
    return codes.view(getattr(ml_dtypes, name)).reshape(tuple(tensor.get_shape()))


def describe(session):
    """Devices, precision and threads that OpenVINO chose."""
    return {name.lower(): str(session[0].get_property(name)) for name in ASKED}
