"""Models that people use, of timm and transformers, with drawn weights, written to ONNX by torch.onnx.

Nothing is downloaded: the architectures are the packages' own, made small by their own options, and weights are drawn
so that every one of them matters to the outputs (a fresh model has zeros in many places). How far that holds is what

    python exporters/torch_zoo.py [MODEL ...]

prints in the environment: docs/zoo.md has its table.
"""

import copy
import os
import sys
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

# What is not used here torch.onnx and transformers would load in each fork.
import ml_dtypes
import numpy as np
import onnxscript.function_libs.torch_lib.ops
import onnxscript.rewriter  # noqa: F401
import torch
import torch._dynamo
import torch._functorch.aot_autograd
import torch.onnx._internal.exporter._compat
from torch import nn
from torch.overrides import TorchFunctionMode

try:
    import torchvision
except RuntimeError:
    # timm imports torchvision for its pictures. The wheel's operators need CUDA's libraries; where they did not load,
    # its Python part still asks for two of them by name, so these two are declared here, without code.
    OPERATORS = torch.library.Library("torchvision", "DEF")  # they are gone when this object is
    for name in ("nms", "qnms"):
        OPERATORS.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision  # noqa: F401

import timm
import transformers
import transformers.modeling_utils

PACKAGES = ("timm", "transformers", "torch", "torchvision", "onnx", "onnxscript", "onnx-ir", "numpy")
ISOLATE = True  # torch.onnx leaves traces in the process (see pytorch.py), and so do drawn numbers
DTYPES = ("float32", "float16", "bfloat16")
LAYERS = {}
UNSUPPORTED = (
    r"^UnsupportedOperatorError: ",
    r"^RuntimeError: Unsupported onnx_opset_version",
    r"^\w+Error: Unsupported: ONNX export of operator",
    r"DispatchError'>: No ONNX function found for",
)

#: The length of each dynamic axis in the input sets; the first is that of the export.
SIZES = [
    {"batch": 2, "time": 7, "source_time": 9, "past_time": 6},
    {"batch": 2, "time": 7, "source_time": 9, "past_time": 6},
    {"batch": 1, "time": 4, "source_time": 5, "past_time": 3},
    {"batch": 5, "time": 11, "source_time": 13, "past_time": 8},
]
WORDS = 99

torch.set_num_threads(1)


def tensor_of(array):
    """The array as a tensor; PyTorch takes no bfloat16 from NumPy, but its bits."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def array_of(tensor):
    """The tensor as an array, likewise."""
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


# -- Inputs: function(generator, shape) -> array ----------------------------------------------------------------------


def noise(generator, shape):
    """Pictures, sounds and cached states, in float64."""
    return generator.standard_normal(shape)


def words(generator, shape):
    """Ids of words."""
    return generator.randint(3, WORDS, shape)


def mask(generator, shape):
    """Ones for the words of each sentence, of any length from two on, and zeros behind it."""
    lengths = generator.randint(2, shape[1] + 1, (shape[0], 1))
    return (np.arange(shape[1]) < lengths).astype(np.int64)


# -- Models -----------------------------------------------------------------------------------------------------------


class Zoo(nn.Module):
    """A model with named inputs, {name: (how it is drawn, shape)}, and named outputs.

    call: function(model, tensors by name) -> the outputs in order; None: the items of what the model returns.
    """

    def __init__(self, model, inputs, outputs, call=None):
        super().__init__()
        self.model, self.inputs, self.outputs, self.call = model, inputs, outputs, call

    def forward(self, *tensors):
        """The outputs, in order."""
        named = dict(zip(self.inputs, tensors))
        if self.call:
            return self.call(self.model, named)
        result = self.model(**named)
        return tuple(result[name] for name in self.outputs)


def of_timm(name, **options):
    """A classifier of pictures by its name in timm."""

    def make():
        model = timm.create_model(name, pretrained=False, num_classes=20, **options)
        return classifier(model, options.get("img_size", 64))

    return make


def classifier(model, size):
    """A model that takes a picture and returns scores."""
    inputs = {"image": (noise, ("batch", 3, size, size))}
    return Zoo(model, inputs, ("scores",), lambda model, named: (model(named["image"]),))


def mixer():
    """MLP-Mixer; the named ones cannot be made narrower."""
    model = timm.models.mlp_mixer.MlpMixer(num_classes=20, img_size=64, patch_size=8, num_blocks=3, embed_dim=48)
    return classifier(model, 64)


#: What configurations of transformers mostly call the same things.
SMALL = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL.update(intermediate_size=48, max_position_embeddings=32)
TEXT = {"input_ids": (words, ("batch", "time")), "attention_mask": (mask, ("batch", "time"))}
PICTURE = {"pixel_values": (noise, ("batch", 3, 32, 32))}


def of_transformers(kind, config, inputs, outputs, **options):
    """A model by the names of its class and its configuration's."""

    def make():
        settings = getattr(transformers, config)(**options)
        return Zoo(getattr(transformers, kind)(settings), inputs, outputs)

    return make


def llama():
    """One step of generation with the rotary embedding, grouped keys and the cache, as inputs and as outputs."""
    settings = transformers.LlamaConfig(num_key_value_heads=2, **SMALL)
    places = ["%s.%d" % (kind, layer) for layer in range(2) for kind in ("key", "value")]
    inputs = {"input_ids": (words, ("batch", "time"))}
    inputs.update(("past_" + place, (noise, ("batch", 2, "past_time", 8))) for place in places)
    outputs = ("logits",) + tuple("present_" + place for place in places)

    def call(model, named):
        past = [named["past_" + place] for place in places]
        cache = transformers.DynamicCache(list(zip(past[::2], past[1::2])))
        logits = model(input_ids=named["input_ids"], past_key_values=cache, use_cache=True).logits
        return (logits,) + tuple(state for layer in cache.layers for state in (layer.keys, layer.values))

    return Zoo(transformers.LlamaForCausalLM(settings), inputs, outputs, call)


def clip():
    """Texts and pictures side by side: how well each goes with each."""
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = dict(sizes, vocab_size=WORDS, max_position_embeddings=16, eos_token_id=2)  # 2: the greatest id ends a text
    picture = dict(sizes, image_size=32, patch_size=8)
    settings = transformers.CLIPConfig(text_config=text, vision_config=picture, projection_dim=24)
    outputs = ("logits_per_image", "text_embeds", "image_embeds")
    return Zoo(transformers.CLIPModel(settings), dict(TEXT, **PICTURE), outputs)


def whisper_encoder():
    """The encoder, for sounds of one length."""
    settings = transformers.WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48, num_mel_bins=16,
        max_source_positions=20, decoder_layers=1, decoder_attention_heads=4, vocab_size=WORDS,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    model = transformers.models.whisper.modeling_whisper.WhisperEncoder(settings)
    return Zoo(model, {"input_features": (noise, ("batch", 16, 40))}, ("last_hidden_state",))


NARROW = {"depths": (1, 1, 2, 1), "dims": (16, 24, 32, 48)}
MODELS = {
    "timm-byobnet": of_timm("test_byobnet"),
    "timm-convnextv2": of_timm("convnextv2_atto", **NARROW),
    "timm-densenet": of_timm("densenet121", growth_rate=8, block_config=(2, 2, 3, 2)),
    "timm-efficientnet": of_timm("tf_efficientnet_b0"),
    "timm-efficientvit": of_timm("efficientvit_b0"),
    "timm-ghostnet": of_timm("ghostnet_050"),
    "timm-inception-next": of_timm("inception_next_atto", **NARROW),
    "timm-mixer": mixer,
    "timm-mobilenetv3": of_timm("mobilenetv3_small_050"),
    "timm-mobilevit": of_timm("mobilevit_xxs"),
    "timm-nfnet": of_timm("test_nfnet"),
    "timm-regnet": of_timm("regnety_002"),
    "timm-resnet": of_timm("resnet18", channels=(16, 24, 32, 48)),
    "timm-seresnext": of_timm("seresnext26d_32x4d", layers=(1, 1, 1, 1), cardinality=8, channels=(16, 24, 32, 48)),
    "timm-swin": of_timm(
        "swin_tiny_patch4_window7_224",
        img_size=64, window_size=4, embed_dim=24, depths=(2, 2, 2), num_heads=(2, 4, 6),
    ),
    "timm-vit": of_timm("vit_tiny_patch16_224", img_size=64, patch_size=8, embed_dim=48, depth=3, num_heads=3),
    "transformers-albert": of_transformers(
        "AlbertModel", "AlbertConfig", TEXT, ("last_hidden_state", "pooler_output"), embedding_size=16, **SMALL
    ),
    "transformers-bert": of_transformers(
        "BertForSequenceClassification", "BertConfig", TEXT, ("logits",), num_labels=5, **SMALL
    ),
    "transformers-clip": clip,
    "transformers-deberta-v2": of_transformers(
        "DebertaV2ForTokenClassification", "DebertaV2Config", TEXT, ("logits",), num_labels=5, relative_attention=True,
        position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
        position_biased_input=False, type_vocab_size=0, **SMALL
    ),
    "transformers-gpt2": of_transformers(
        "GPT2LMHeadModel", "GPT2Config", TEXT, ("logits",), vocab_size=WORDS, n_positions=32, n_embd=32, n_layer=2,
        n_head=4, use_cache=False, bos_token_id=1, eos_token_id=2,
    ),
    "transformers-llama": llama,
    "transformers-roberta": of_transformers(
        "RobertaForTokenClassification", "RobertaConfig", TEXT, ("logits",), num_labels=5, type_vocab_size=1, **SMALL
    ),
    "transformers-t5": of_transformers(
        "T5ForConditionalGeneration", "T5Config",
        {
            "input_ids": (words, ("batch", "source_time")),
            "attention_mask": (mask, ("batch", "source_time")),
            "decoder_input_ids": (words, ("batch", "time")),
        },
        ("logits",), vocab_size=WORDS, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, use_cache=False,
        relative_attention_num_buckets=8, relative_attention_max_distance=12, decoder_start_token_id=0,
    ),
    "transformers-vit": of_transformers(
        "ViTForImageClassification", "ViTConfig", PICTURE, ("logits",), num_labels=20, image_size=32, patch_size=8,
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    ),
    "transformers-wav2vec2": of_transformers(
        "Wav2Vec2ForCTC", "Wav2Vec2Config", {"input_values": (noise, ("batch", 400))}, ("logits",),
        conv_dim=(16, 16, 16), conv_kernel=(10, 3, 3), conv_stride=(5, 2, 2), num_feat_extract_layers=3,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4, **SMALL
    ),
    "transformers-whisper-encoder": whisper_encoder,
}  # fmt: skip


# -- Weights ----------------------------------------------------------------------------------------------------------


def draw_weights(model):
    """Weights as training may leave them: no gain or scale of a layer is zero, and none fades what goes through it."""
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            if isinstance(module, nn.Embedding):
                weight.normal_()
            elif name.endswith("bias"):
                weight.normal_(0, 0.2)
            elif weight.numel() == max(weight.shape, default=1):  # a vector, whatever its axes: gains and scales
                weight.uniform_(0.5, 1.5)
            elif name == "weight":
                fan_in = weight.shape[0] if type(module).__name__ == "Conv1D" else weight[0].numel()
                weight.normal_(0, fan_in**-0.5)
            else:
                weight.normal_(0, 0.5)


def measure_statistics(model):
    """Give batch normalisation the mean and variance of what really comes by, from four batches of eight."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = None  # the mean of all batches
        norm.reset_running_stats()
        norm.train()
    generator = np.random.RandomState(0)
    for _ in range(4 if norms else 0):
        feeds = draw(model, generator, dict(SIZES[0], batch=8))
        model(*[tensor_of(array) for array in feeds.values()])
    model.eval()


def build(name, request):
    """The model with its weights, for inference, in the dtype that is asked for."""
    torch.manual_seed(zlib.crc32(name.encode()))
    model = MODELS[name]().eval()
    model.dtype = "float32"
    with torch.no_grad():
        draw_weights(model)
        measure_statistics(model)
    model.dtype = request.dtype
    dtype = getattr(torch, request.dtype)
    torch.set_default_dtype(dtype)  # of this fork
    return model.to(dtype)


def interface(model):
    """Inputs, and sizes of the axes that any of them has."""
    inputs = [
        {"name": name, "dtype": model.dtype if drawn is noise else "int64", "shape": list(shape)}
        for name, (drawn, shape) in model.inputs.items()
    ]
    axes = {axis for i in inputs for axis in i["shape"] if isinstance(axis, str)}
    return inputs, [{axis: sizes[axis] for axis in sorted(axes)} for sizes in SIZES]


def draw(model, generator, sizes):
    """An input set."""
    drawn = {
        name: make(generator, [sizes.get(axis, axis) for axis in shape]) for name, (make, shape) in model.inputs.items()
    }
    dtype = ml_dtypes.bfloat16 if model.dtype == "bfloat16" else model.dtype
    return {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in drawn.items()}


def run(model, inputs):
    """The model's outputs by name."""
    with torch.no_grad():
        results = model(*[tensor_of(inputs[name]) for name in model.inputs])
    return {name: array_of(result) for name, result in zip(model.outputs, results)}


class InDouble(TorchFunctionMode):
    """Turns what a model asks of float32 (norms, soft-max and rotations of transformers) into float64."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Call the function with float64 in float32's place."""
        if func is torch.Tensor.float:
            return args[0].double()
        args = tuple(self.widened(value) for value in args)
        return func(*args, **{name: self.widened(value) for name, value in (kwargs or {}).items()})

    @staticmethod
    def widened(value):
        """float64 for float32."""
        return torch.float64 if value is torch.float32 else value


def truth(model, inputs):
    """The outputs of the same model, with the same weights, in float64."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        wide = {k: a.astype(np.float64) if a.dtype.name in DTYPES else a for k, a in inputs.items()}
        with InDouble():
            return run(copy.deepcopy(model).double(), wide)
    finally:
        torch.set_default_dtype(usual)


# -- Exporters --------------------------------------------------------------------------------------------------------


def write(model, inputs, request, path, **options):
    """torch.onnx.export with the names of the model."""
    if request.opset is not None:
        options["opset_version"] = request.opset
    tensors = tuple(tensor_of(inputs[name]) for name in model.inputs)
    names = {"input_names": list(model.inputs), "output_names": list(model.outputs)}
    with torch.no_grad():
        torch.onnx.export(model, tensors, path, **names, **options)


def dynamo(model, inputs, request, path):
    """The exporter on torch.export: the shapes of the model's one parameter, *tensors, are a tuple of their own."""
    dims = {axis: torch.export.Dim(axis) for axes in request.dynamic.values() for axis in axes.values()}
    shapes = tuple({axis: dims[name] for axis, name in request.dynamic[i].items()} for i in model.inputs)
    dynamic = {"dynamic_shapes": (shapes,)} if any(shapes) else {}
    try:
        write(model, inputs, request, path, dynamo=True, external_data=False, verbose=False, **dynamic)
    except torch.onnx.OnnxExporterError as error:
        # The text begins with general advice; what happened stands behind this heading.
        advice, heading, summary = str(error).partition("## Exception summary\n\n")
        if heading:
            error.args = (summary + advice,)
        raise


def torchscript(model, inputs, request, path):
    """The exporter on traced TorchScript, deprecated since 2.9."""
    dynamic = {name: axes for name, axes in request.dynamic.items() if axes}
    write(model, inputs, request, path, dynamo=False, dynamic_axes=dynamic or None)


EXPORTERS = {"dynamo": dynamo, "torchscript": torchscript}


# -- Can they fail? ---------------------------------------------------------------------------------------------------


def noticed(outputs, expected):
    """Whether the comparison would call these outputs wrong: beyond the tolerance of float32."""
    pairs = [(outputs[name].astype(np.float64), value.astype(np.float64)) for name, value in expected.items()]
    return any((np.abs(a - b) > 1e-5 * np.abs(b).max() + 1e-3 * np.abs(b)).any() for a, b in pairs)


def sensitivity(name):
    """How many weight tensors the model has, and the names of those that may each be a tenth off unnoticed."""
    model = build(name, Request("float32"))
    inputs = draw(model, np.random.RandomState(1), SIZES[0])
    expected = run(model, inputs)
    weights = [(k, w) for k, w in list(model.named_parameters()) + list(model.named_buffers()) if w.is_floating_point()]
    unnoticed = []
    for key, weight in weights:
        kept = weight.detach().clone()
        with torch.no_grad():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))
        if not noticed(run(model, inputs), expected):
            unnoticed.append(key)
        with torch.no_grad():
            weight.copy_(kept)
    return len(weights), unnoticed


class Request:
    """The part of a request that `build` reads."""

    def __init__(self, dtype):
        self.dtype = dtype


if __name__ == "__main__":
    print("| model | weight tensors | noticed | unnoticed |\n|---|---:|---:|---|")
    for chosen in sys.argv[1:] or MODELS:
        count, quiet = sensitivity(chosen)
        share = 100.0 * (count - len(quiet)) / count
        print("| `%s` | %d | %.0f %% | %s |" % (chosen, count, share, ", ".join(quiet)), flush=True)
