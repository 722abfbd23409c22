"""tract, through its Python wheel: optimised for the CPU, the axes without a size left open.

An axis needs a name for that. tract refuses a file that gives it none, and says what to do: "provide explicit input
facts to your model".
"""

import tract

PACKAGES = ("tract",)
UNSUPPORTED = (
    r"Unimplemented\(",
    r"Unsupported (DatumType|mode)",
    r"[Uu]nknown (DatumType|ONNX TensorProto)",
    r"is not supported",
    # Axes, shapes, paddings and the like that the graph computes, or that are inputs.
    r"(axes as a|to be( a)?|Need axes to be a|must be( a)?|axis is a|stride is a|expects a) const(ant)?\b",
    r"(Axis input must be a known scalar|Params are not const|shape input is variable)",
    r"(Need splits to be a constant|Expect constant input size|all inputs to be constants)",
)


def load(path, request):
    """The runnable, the names of its inputs in order, and of its outputs."""
    tool = tract.onnx()
    # Up to 0.22 the words were others.
    model = tool.load(path) if hasattr(tool, "load") else tool.model_for_path(path)
    parameters = [model.input_name(number) for number in range(model.input_count())]
    for number in range(len(parameters)):
        fact = str(model.input_fact(number))
        if "?" in fact.split(","):
            model.set_input_fact(number, explicit(fact, number))
    optimised = model.into_model() if hasattr(model, "into_model") else model.into_optimized()
    return optimised.into_runnable(), parameters, request.outputs


def explicit(fact, number):
    """A fact, "?,6,f32", with names for its open axes: the first is the batch, which inputs have in common."""
    names = ["batch" if axis == 0 else "open_%d_%d" % (number, axis) for axis in range(fact.count(","))]
    return ",".join(name if size == "?" else size for name, size in zip(names + [""], fact.split(",")))


def run(session, inputs):
    """All outputs; tract has them in the order of the file, under the names of the nodes that make them."""
    runnable, parameters, names = session
    results = runnable.run([inputs[name] for name in parameters])
    return {name: result.to_numpy() for name, result in zip(names, results)}
