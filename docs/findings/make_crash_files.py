"""Small valid ONNX files that end a runtime's process, and beside each one that differs in the point and does not.

onnx 1.23.2, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/make_crash_files.py FOLDER
"""

import sys
from pathlib import Path

import ml_dtypes
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, parser, save

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)


def in_fields(array, name):
    """A tensor whose elements stand in the field of their type (`int32_data` and the like), not in `raw_data`."""
    whole = numpy_helper.from_array(array, name)
    tensor = TensorProto(name=name, data_type=whole.data_type, dims=whole.dims)
    kind = array.dtype.name
    bits = array.view("u2") if kind in ("float16", "bfloat16") else array.astype("u1") if kind == "bool" else array
    if kind in ("int4", "uint4") or kind.startswith("float8"):  # the bytes, two elements of 4 bits in each
        bits = np.frombuffer(whole.raw_data, "u1")
    field = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}.get(kind, "int32_data")
    getattr(tensor, "uint64_data" if kind in ("uint32", "uint64") else field).extend(bits.ravel().tolist())
    return tensor


def write(name, signature, body, opset=17, fields=False, **constants):
    """A graph, its constants (in `raw_data` unless asked otherwise), and an input for each input."""
    opsets = f'opset_import: ["" : {opset}, "ai.onnx.ml" : 1]'
    model = parser.parse_model(f"<ir_version: 8, {opsets}> g {signature} {{{body}}}")
    model.ir_version = 8 if opset < 19 else 10 if opset < 24 else 13
    held = in_fields if fields else numpy_helper.from_array
    model.graph.initializer.extend(held(np.asarray(array), key) for key, array in constants.items())
    checker.check_model(model, full_check=True)
    fed = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if value.type.HasField("tensor_type"):
            sizes = [axis.dim_value if axis.HasField("dim_value") else 2 for axis in tensor.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            drawn = rng.normal(size=sizes) if dtype.kind == "f" else np.ones(sizes)
            fed[value.name] = drawn.astype(dtype if dtype.isbuiltin == 1 else "f4")
    save(model, folder / f"{name}.onnx")
    np.savez(folder / f"{name}.npz", **fed)


f4, i8, u1 = np.float32, np.int8, np.uint8
TWO = "(float[2,3] x) => (float[2,3] y)"

# OpenCV
three = np.array([True, False, True])
for held, fields in (("fields", True), ("raw", False)):
    write(f"bool-{held}", "(bool[3] x) => (bool[3] y)", "y = And(x, c)", fields=fields, c=three)
signature = "(float[2,3] x) => (float[?,?] r, float[2,1] y)"
unknown = "y = ai.onnx.ml.ArrayFeatureExtractor(x, i)"  # an operator that only the older parser is asked for
constant, place, axis = np.ones((2, 3), f4), np.array([0]), np.array([1])
write("reduce-constant-all", signature, f"r = ReduceSum(c) {unknown}", c=constant, i=place)
write("reduce-constant-axis", signature, f"r = ReduceSum(c, a) {unknown}", c=constant, i=place, a=axis)
numbers = {"s": f4(2**0.5), "o": f4(1), "h": f4(0.5)}
for name, plus in (("first", "Add(o, e)"), ("last", "Add(e, o)")):
    gelu = f"d = Div(x, s) e = Erf(d) a = {plus} m = Mul(x, a) y = Mul(m, h)"
    write(f"gelu-one-{name}", TWO, gelu, **numbers)
for name, step in (("identity", "i = Identity(w) e = MatMul(x, i)"), ("relu", "e = Relu(x)")):
    body = f"then_branch = a () => (float[2,6] t) {{t = Tanh(x)}}, else_branch = b () => (float[2,6] e) {{{step}}}"
    body = f"m = ReduceMean<keepdims=0>(x) g = Greater(m, z) y = If(g)<{body}>"
    square = rng.normal(size=(6, 6)).astype(f4)
    write(f"branch-{name}", "(float[2,6] x) => (float[2,6] y)", body, z=f4(0), w=square)
for name, divisors in (("half", [0.5, 2, 3]), ("whole", [1, 2, 3])):
    write(f"mod-{name}", "(float[3] x) => (float[3] y)", "y = Mod(x, w)", 28, w=np.array(divisors, f4))

# MNN
scales = {"s": f4(0.1), "z": i8(0), "w": np.arange(6).astype(i8).reshape(3, 2), "t": f4(0.1), "u": u1(3)}
for operator in ("Gemm", "MatMul"):
    body = f"v = DequantizeLinear(x, t, u) d = DequantizeLinear(w, s, z) y = {operator}(v, d)"
    write(f"dequantize-{operator}", "(uint8[2,3] x) => (float[2,2] y)", body, **scales)
wide = "(float[2,100] x) => (float[2,100] y)"
body = "d = DequantizeLinear(q, s, z) y = LayerNormalization(x, d)"
write("layer-norm-dequantized", wide, body, q=np.arange(100).astype(i8), s=f4(0.1), z=i8(0))
write("layer-norm-constant", wide, "y = LayerNormalization(x, d)", d=np.ones(100, f4))
vectors = {key: np.ones(3, f4) for key in "bmv"}
batches = "(float[2,3,4] x, float[3] s) => (float[2,3,4] y)"
write("batch-norm-fed", batches, "y = BatchNormalization(x, s, b, m, v)", **vectors)
body = "y = BatchNormalization(x, b, b, m, v)"
write("batch-norm-constant", batches.replace(", float[3] s", ""), body, **vectors)
for code, kind in ((2, "uint8"), (3, "int8")):
    write(f"cast-{kind}", f"(int32[2,3] x) => ({kind}[2,3] y)", f"y = Cast<to={code}>(x)")
body = "y = QuantizeLinear(x, s, z)"
write("quantize-fed", "(float[2,3] x, float s, uint8 z) => (uint8[2,3] y)", body)
write("quantize-constant", "(float[2,3] x) => (uint8[2,3] y)", body, s=f4(0.1), z=u1(3))
backward = {"b": np.array([2]), "e": np.array([-(2**63)]), "a": np.array([0]), "t": np.array([-1])}
for sizes in ("3,8,16,16", "3,8,16"):
    name = f"slice-backward-{len(sizes.split(','))}"
    write(name, f"(float[{sizes}] x) => (float[{sizes}] y)", "y = Slice(x, b, e, a, t)", **backward)
last = "(float[1,2,3,4] x) => (float[1,4,6,4] y)"
for mode in ("linear", "nearest"):
    write(f"resize-{mode}", last, f'y = Resize<mode="{mode}">(x, , , n)', n=np.array([1, 4, 6, 4]))
for kind in ("float16", "float"):
    body = f"y = ConstantOfShape<value = {kind}[1] {{0}}>(x)"
    write(f"constant-of-shape-{kind}", f"(int64[2] x) => ({kind}[?,?] y)", body)
for operator in ("Max", "Min", "Mean", "Sum"):
    write(f"{operator}-one", TWO, f"y = {operator}(x)")
write("Max-two", TWO, "y = Max(x, x)")
pooled = "(float[1,1,4,4] x) => (float[1,1,3,3] y)"
for operator in ("AveragePool", "MaxPool", "LpPool"):
    write(f"{operator}-no-strides", pooled, f"y = {operator}<kernel_shape=[2,2]>(x)")
write("MaxPool-strides", pooled, "y = MaxPool<kernel_shape=[2,2], strides=[1,1]>(x)")
write("reduce-nothing", "(float[2,0,4] x) => (float[2,1,4] y)", "y = ReduceMax(x, a)", 18, a=axis)
write("reduce-something", "(float[2,3,4] x) => (float[2,1,4] y)", "y = ReduceMax(x, a)", 18, a=axis)
write("matmul-vectors", "(float[3] x, float[3] w) => (float y)", "y = MatMul(x, w)")
write("matmul-matrix", "(float[2,3] x, float[3] w) => (float[2] y)", "y = MatMul(x, w)")
write("pad-axes", "(float[3,4] x, int64[2] p) => (float[?,?] y)", "y = Pad(x, p, , a)", 18, a=axis)
write("pad-all", "(float[3,4] x, int64[4] p) => (float[?,?] y)", "y = Pad(x, p)", 18)
for name, number in (("last", -1), ("first", 0)):
    signature = f"(float[2,3] x, float[2,3] w) => ({'float[2,3,2]' if number else 'float[2,2,3]'} y)"
    body = f"s = SequenceConstruct(x, w) y = ConcatFromSequence<axis={number}, new_axis=1>(s)"
    write(f"sequence-{name}", signature, body)
body = "o, y = Scan<num_scan_inputs=1, body = b (float[2] h, float[2] v) => (float[2] p, float[2] q) "
body += "{p = Add(h, v) q = Identity(p)}>( , i, x)"
write("scan-8", "(float[1,2] i, float[1,3,2] x) => (float[1,2] o, float[1,3,2] y)", body, 8)

# tract
for code, kind in ((22, "int4"), (17, "float8e4m3fn"), (3, "int8")):
    write(f"cast-to-{kind}", f"(float[3] x) => ({kind}[3] y)", f"y = Cast<to={code}>(x)", 21)
    write(f"input-{kind}", f"({kind}[3] x) => (float[3] y)", "y = Cast<to=1>(x)", 21)
write("input-sequence", "(seq(float[2]) s, int64 x) => (float[2] y)", "y = SequenceAt(s, x)")
for name, kind in (("untyped", ""), ("typed", "float[2] ")):
    body = f"body = b ({kind}h, {kind}v) => ({kind}p, {kind}q) {{p = Add(h, v) q = Relu(p)}}"
    body = f"o, y = Scan<num_scan_inputs=1, {body}>(i, x)"
    signature = "(float[3,2] x, float[2] i) => (float[2] o, float[3,2] y)"
    write(f"scan-{name}", signature, body)
write("dropout-mask", "(float[2,3] x) => (float[2,3] y, bool[2,3] m)", "y, m = Dropout(x)")
write("dropout", TWO, "y = Dropout(x)")
write("shape-crossed", "(float[3,4,5] x) => (int64[0] y)", "y = Shape<start=2, end=1>(x)")
write("shape", "(float[3,4,5] x) => (int64[1] y)", "y = Shape<start=1, end=2>(x)")
write("slice-fed", "(float[3,4] x, int64[2] b, int64[2] e) => (float[?,?] y)", "y = Slice(x, b, e)")
for axis_name in ("batch", "time"):
    sizes = "7,batch,4" if axis_name == "batch" else "time,2,4"
    weights = {key: rng.normal(size=(1, 3, size)).astype(f4) for key, size in (("w", 4), ("r", 3))}
    signature = f"(float[{sizes}] x) => (float[?,1,?,3] y)"
    write(f"rnn-{axis_name}", signature, "y = RNN<hidden_size=3>(x, w, r)", **weights)

# OpenVINO, and ONNX Runtime with it
joined = "(float[1,1,2,2] a, float[1,1,2,2] b) => (uint8[1,2,2,2] y)"
again = "x = Concat<axis=1>(a, b) q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
again += " m = Mul(d, c) y = QuantizeLinear(m, s, z)"
for zero in (0, 5):
    write(f"concat-zero-point-{zero}", joined, again, s=f4(0.1), z=u1(zero), c=np.ones((1, 2, 1, 1), f4))
for name, outside in (("made", "w = Relu(u)"), ("constant", "")):
    body = "b (float[4] h, float[4] v) => (float[4] p, float[4] q) { n = Mul(v, w) p = Add(h, n) q = Identity(p) }"
    body = f"{outside} f, y = Scan<num_scan_inputs=1, body = {body}>(i, x)"
    signature = "(float[3,4] x, float[4] i, float[4] u) => (float[4] f, float[3,4] y)"
    held = {} if outside else {"w": np.ones(4, f4)}
    write(f"scan-outside-{name}", signature.replace(", float[4] u", "" if held else ", float[4] u"), body, **held)
numbers = {"two": f4(2), "e": f4(1e-5), "w": np.arange(8, dtype=f4)}
for last in ("Mul", "Add"):
    body = f"p = Pow(x, two) m = ReduceMean<axes=[-1]>(p) a = Add(m, e) q = Sqrt(a) d = Div(x, q) y = {last}(d, w)"
    write(f"rms-norm-{last}", "(float[2,3,8] x) => (float[2,3,8] y)", body, **numbers)
loops = {  # the outputs of a body that reads w from outside or not, and hands on a state as it came or copies it
    "outside-and-state": "(bool k, float[4] p, float[4] u) {a = Add(h, w) p = Add(a, u)}",
    "outside": "(bool l, float[4] p, float[4] v) {l = Identity(k) a = Add(h, w) p = Add(a, u) v = Identity(u)}",
    "state": "(bool k, float[4] p, float[4] u) {p = Add(h, u)}",
}
for name, body in loops.items():
    body = f"f, g = Loop<body = b (int64 n, bool k, float[4] h, float[4] u) => {body}>(t, c, x, i)"
    signature = "(float[4] x, float[4] i, float[4] w) => (float[4] f)"
    write(f"loop-{name}", signature, body, t=np.int64(3), c=np.bool_(True))

# ncnn
parts = "(float[2,12] x) => (float[2,4] a, float[2,4] b, float[2,4] c)"
write("split-default", parts, "a, b, c = Split<axis=1>(x)", 13)
write("split-sizes", parts, "a, b, c = Split<axis=1>(x, n)", 13, n=np.array([4, 4, 4]))
tokens = {"t": np.ones((1, 1, 24), f4), "n": np.array([2, 1, 1]), "s": np.ones(24, f4)}
for name, rest in (("norm", "y = LayerNormalization(z, s)"), ("alone", "y = Relu(z)")):
    body = f"e = Expand(t, n) z = Concat<axis=1>(e, x) {rest}"
    write(f"token-{name}", "(float[2,24,24] x) => (float[2,25,24] y)", body, **tokens)

# X2Paddle and Paddle Inference: no crash, but memory that is not the program's any more
product, biases = {"w": rng.normal(size=(5, 12)).astype(f4)}, rng.normal(size=(2, 12)).astype(f4)
signature = "(float[2,5] x) => (float[2,12] y)"
body = "p, q = Split<axis=0>(b, n) m = MatMul(x, w) y = Add(m, p)"
write("bias-split", signature, body, 13, b=biases, n=np.array([1, 1]), **product)
write("bias", signature, "m = MatMul(x, w) y = Add(m, b)", 13, b=biases[:1], **product)

# Constants whose elements are not in raw_data: 1, 0, 1, 1, 0, 1 of each type
KINDS = ("float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "uint32")
for kind in (*KINDS, "int64", "uint64", "bool", "int4", "uint4", "float8_e4m3fn", "float8_e5m2"):
    six = np.array([1, 0, 1, 1, 0, 1]).astype(getattr(ml_dtypes, kind, kind))
    for held, fields in (("fields", True), ("raw", False)):
        name = f"constant-{kind}-{held}"
        write(name, "(float[6] x) => (float[6] y)", "f = Cast<to=1>(c) y = Add(x, f)", 21, fields, c=six)
