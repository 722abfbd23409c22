"""Which exports and cells a run consists of, from what the user selected."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from matrix.catalogue import CANONICAL, CASES, EVALUATOR, SOURCES, TARGETS, Source, Target
from matrix.environments import HOST, Environment, environments
from matrix.errors import UserError, unknown
from models.catalogue import all_models
from models.registry import ReferenceModel


@dataclass(frozen=True)
class Variant:
    """A way to exchange a model."""

    name: str
    dynamic: bool = False
    """Exported at one size, run at three; else at fixed sizes."""
    dtype: str = "float32"
    """Of its weights, inputs and floating-point outputs."""
    quantised: str = ""
    """What weights and activations become inside, between inputs and outputs of `dtype`."""

    @property
    def tolerance(self) -> str:
        """The name of its tolerance."""
        return self.quantised or self.dtype


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("static"),
        Variant("dynamic", dynamic=True),
        Variant("float16", dtype="float16"),
        Variant("bfloat16", dtype="bfloat16"),
        Variant("float64", dtype="float64"),
        Variant("int8", quantised="int8"),
        Variant("int4", quantised="int4"),
        Variant("float8", quantised="float8"),
    )
}
#: What `--quick` runs: one of each kind of trouble.
QUICK = (
    "alexnet", "resnet-18", "lstm-classifier", "transformer-encoder", "mlp", "conv2d", "linear", "lstm",
    "max-pool2d", "batch-norm", "softmax", "upsample-bilinear",
)  # fmt: skip
#: What targets get that compile a model for seconds, unless they are named, of the suite's own export: each kind of
#: layer, small networks; in other precisions QUICK. Of what the default exporters write they get QUICK at fixed sizes.
SLICE = (
    *QUICK, "squeezenet", "mobilenet-v2", "u-net", "gru-classifier", "seq2seq-attention", "vit", "c3d", "gelu",
    "conv1d", "conv3d", "depthwise-conv2d", "gru", "embedding", "multi-head-attention", "layer-norm", "group-norm",
    "average-pool2d", "global-average-pool", "reduce-mean", "arg-max", "concat", "slice", "pad", "where", "gather",
    "upsample-nearest", "top-k", "cumulative-sum",
)  # fmt: skip
EACH = "each"
"""Instead of numbers: the opsets of each exporter's own range that tell most."""
TELLING_OPSETS = (13, 17, 21)


@dataclass(frozen=True)
class Export:
    """One file to be written: a model by a source in an environment. `opset` None is the exporter's own default."""

    source: Source
    environment: Environment
    model: ReferenceModel
    variant: str
    opset: int | None = None
    full: bool = False
    """The model in its published width."""

    @property
    def way(self) -> Variant:
        """What `variant` means."""
        return VARIANTS[self.variant]

    @property
    def source_name(self) -> str:
        """Exporter at environment, as published."""
        return f"{self.source.name}@{self.environment.name}"

    @property
    def key(self) -> str:
        """What names this export everywhere."""
        return export_key(self.source_name, self.model.name, self.variant, self.opset, self.full)


def export_key(source: str, model: str, variant: str, opset: int | None, full: bool) -> str:
    """What names an export everywhere; `source` with its environment."""
    return f"{source}/{model}/{variant}{'-full' if full else ''}{f'-opset{opset}' if opset else ''}"


@dataclass(frozen=True)
class Cell:
    """One file on one target."""

    export: Export
    target: Target
    environment: Environment

    @property
    def target_name(self) -> str:
        """Importer at environment, as published."""
        return f"{self.target.name}@{self.environment.name}"

    @property
    def key(self) -> str:
        """What names this cell everywhere."""
        return f"{self.export.key}/{self.target_name}"


@dataclass(frozen=True)
class Selection:
    """What the user asked for; empty means the default. Names may be patterns such as "pytorch.*"."""

    sources: Sequence[str] = ()
    targets: Sequence[str] = ()
    models: Sequence[str] = ()
    variants: Sequence[str] = ()
    opsets: Sequence[int | str] = ()
    """Numbers, or EACH."""
    environments: Sequence[str] = ()
    own: bool = False
    """Also the models that sources bring themselves; without it, only those of the sources that are named."""
    size: str = "default"
    scope: str = "default"
    """"quick", "default" or "all" of the models, where `models` does not name them; "published": see PUBLISHED."""
    all_versions: bool = False
    """Of every framework and runtime, instead of the ones that tox.ini marks as the default."""
    extras: bool = False
    """Also the environments that tox.ini marks as extra, where nothing is named."""


@dataclass
class Plan:
    """The exports and cells of a run, in a fixed order."""

    exports: list[Export] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    @property
    def environments(self) -> list[Environment]:
        """All environments needed, each once."""
        needed = [e.environment for e in self.exports] + [c.environment for c in self.cells]
        return list(dict.fromkeys(needed))


#: What the published matrix consists of: each part is a selection of its own, narrowed by what the user names.
PUBLISHED: tuple[dict[str, Any], ...] = (
    {},
    {"variants": [name for name, variant in VARIANTS.items() if variant.tolerance != "float32"], "models": SLICE},
    {"opsets": [EACH], "models": QUICK},
    {"own": True},
    {"all_versions": True, "models": SLICE},
    {"all_versions": True, "sources": [CANONICAL, f"{CASES}@*"]},
    # Operators are quick also where models are not, but for what converts through TensorFlow.
    {
        "sources": [f"{CASES}@{HOST.name}"],
        "targets": [t.name for t in TARGETS.values() if t.slow and t.path.stem != "litert"],
    },
)
#: Where the published matrix has files of the versions of a framework that are not its usual one.
JUDGES = (EVALUATOR, "onnxruntime.all", "openvino.f32")


def make_plan(selection: Selection, installed_only: bool = False) -> Plan:
    """The plan of a selection. Raises UserError, with the near matches, for a name that does not exist.

    The versions that are not in the default set are left out unless they, or all, are asked for; and with
    installed_only the environments that are not installed, unless they are asked for by name.
    """
    parts = [selection]
    if selection.scope == "published":
        usual = replace(selection, scope="default", extras=True)
        # What the user names stays as it is.
        parts = [replace(usual, **{k: getattr(selection, k) or v for k, v in part.items()}) for part in PUBLISHED]
    plans = [_plan_of(part, installed_only) for part in parts]
    kept = _is_published if selection.scope == "published" else lambda cell: True
    cells = {cell.key: cell for found in plans for cell in found.cells if kept(cell)}
    exports = {cell.export.key: cell.export for cell in cells.values()}
    plan = Plan(list(exports.values()), list(cells.values()))
    if not plan.cells:
        raise UserError("the selection leaves no cell: widen --sources, --targets, --models or --variants")
    return plan


def _plan_of(selection: Selection, installed_only: bool) -> Plan:
    """The plan of one selection, which may be empty."""
    known = environments()
    named = set(_choose("environment", selection.environments, known, "onnx-interop environments"))
    wanted = named if selection.environments else set()
    usual = [e for e in known.values() if e.default or selection.all_versions]
    planned = [e for e in usual if e.installed or not installed_only]
    # Of what is there anyway nothing is left out; to be installed, an extra must be asked for.
    extras = selection.extras or selection.scope == "all" or installed_only
    available = [e for e in known.values() if e.name in wanted or (e in planned and (extras or not e.extra))]
    sources = _placed("source", selection.sources, SOURCES.values(), available, usual, list(known.values()))
    targets = _placed("target", selection.targets, TARGETS.values(), available, usual, list(known.values()))
    plan = Plan()
    variants = [VARIANTS[name] for name in _choose("variant", selection.variants, VARIANTS, ", ".join(VARIANTS))]
    models = _models(selection, sources)
    exports = [
        Export(source, environment, model, variant.name, opset, selection.size == "full")
        for source, environment in sources
        for model in models[(source.name, environment.name) if source.family else None]
        for variant in variants
        if _makes_sense(source, model, variant, selection)
        for opset in _opsets(source, selection)
    ]
    for export in exports:
        cells = [Cell(export, target, e) for target, e in targets if selection.targets or _is_quick(export, target)]
        # An environment that is asked for by name wants its own exports on everything, and everything on it.
        if selection.environments and export.environment.name not in wanted:
            cells = [cell for cell in cells if cell.environment.name in wanted]
        if cells:
            plan.exports.append(export)
            plan.cells += cells
    return plan


def _opsets(source: Source, selection: Selection) -> list[int | None]:
    """The opsets to ask a source for; None is its own default."""
    found: dict[int | None, None] = {}
    for opset in selection.opsets or (None,):
        if opset != EACH:
            found[None if opset is None else int(opset)] = None
        elif source.opsets:
            low, high = source.opsets
            found.update(dict.fromkeys(sorted({low, high, *(n for n in TELLING_OPSETS if low <= n <= high)})))
    return list(found)


def _is_quick(export: Export, target: Target) -> bool:
    """Whether a target gets this file without being named: one that takes seconds over each gets a slice."""
    if not target.slow:
        return True
    usual = export.way.tolerance == "float32"
    if export.source.name == CANONICAL:
        return export.opset is None and export.model.name in (SLICE if usual else QUICK)
    few = export.model.name in QUICK and export.variant == "static" and export.opset is None
    return few and not export.environment.extra


def _is_published(cell: Cell) -> bool:
    """Whether the published matrix holds a cell. What only few look for, it has of few models: of an exporter the
    precisions beside its usual one of QUICK, the opsets beside its own choice of the layers among them. Versions that
    are not the usual ones are compared on the same ground: runtimes by what the suite itself writes and ONNX's cases,
    frameworks, but for quantisers, by what JUDGES say of SLICE."""
    export = cell.export
    usual = export.way.tolerance in ("float32", export.source.dtypes[0])
    few = export.model.name in QUICK and (export.opset is None or export.model.kind == "layer")
    plain = usual and export.opset is None
    if not cell.environment.default:
        return plain and export.source.name in (CANONICAL, CASES) and export.environment == HOST
    if not export.environment.default:
        sliced = (export.model.name in SLICE and export.source.dtypes[0] == "float32") or export.source.name == CASES
        return plain and sliced and cell.target.name in JUDGES
    return export.source.name == CANONICAL or few or plain


def _models(
    selection: Selection, sources: Iterable[tuple[Source, Environment]]
) -> dict[tuple[str, str] | None, list[ReferenceModel]]:
    """The selected reference models as None, and those that sources bring themselves, by names of source and place."""
    reference = all_models()
    own: dict[tuple[str, str] | None, dict[str, ReferenceModel]] = {
        (s.name, e.name): {m.name: m for m in s.own_models(e.name)} for s, e in sources if s.family
    }
    if selection.models:
        known = list(dict.fromkeys([*reference, *(name for models in own.values() for name in models)]))
        chosen = set(_choose("model", selection.models, known, "onnx-interop models"))
    elif selection.scope == "quick":
        chosen = set(QUICK)
    else:
        chosen = {name for name, model in reference.items() if model.default or selection.scope == "all"}
        if selection.own or selection.sources or selection.scope == "all":
            chosen.update(name for models in own.values() for name in models)
    groups = {None: reference, **own}
    return {key: [model for name, model in group.items() if name in chosen] for key, group in groups.items()}


def _makes_sense(source: Source, model: ReferenceModel, variant: Variant, selection: Selection) -> bool:
    """Whether a variant exists for a model and, unless it is asked for, is cheap enough for the default matrix."""
    asked = selection.scope == "all" or variant.name in selection.variants
    if variant.dynamic and not (model.dynamic and (asked or model.kind != "layer")):
        return False
    dtype = variant.quantised or variant.dtype
    if dtype not in ("float32", "float64") and not model.narrow:
        return False
    usual = dtype == source.dtypes[0] and (dtype == "float32" or bool(selection.sources))
    return dtype in source.dtypes and (asked or usual)


def _choose(what: str, patterns: Sequence[str], known: Iterable[str], where: str) -> list[str]:
    """The known names that match the patterns, all of them when there is no pattern."""
    names = list(known)
    if not patterns:
        return names
    chosen: dict[str, None] = {}
    for pattern in patterns:
        matching = fnmatch.filter(names, pattern)
        if not matching:
            raise unknown(what, pattern, names, where)
        chosen.update(dict.fromkeys(matching))
    return [name for name in names if name in chosen]


P = TypeVar("P", Source, Target)


def _placed(
    what: str,
    patterns: Sequence[str],
    table: Iterable[P],
    available: list[Environment],
    usual: list[Environment],
    known: list[Environment],
) -> list[tuple[P, Environment]]:
    """Every source or target in each environment in which it is to run.

    Patterns match "name" or "name@environment". What is named is placed even where it is not installed; a bare name
    that is available somewhere means those places, else the usual ones.
    """
    everywhere = {f"{item.name}@{e.name}": (item, e) for item in table for e in known if runs_in(item, e)}
    there = [name for name, (item, e) in everywhere.items() if e in available and not _is_stopgap(item, e, available)]
    if not patterns:
        return [everywhere[name] for name in there]
    chosen: dict[str, None] = {}
    for pattern in patterns:
        bare = {name for name, (item, _) in everywhere.items() if fnmatch.fnmatch(item.name, pattern)}
        placed = {name for name in bare if name in there} or {name for name in bare if everywhere[name][1] in usual}
        matching = placed or set(fnmatch.filter(everywhere, pattern))
        if not matching:
            raise unknown(what, pattern, [n.split("@")[0] for n in everywhere], "onnx-interop environments")
        chosen.update(dict.fromkeys(matching))
    return [everywhere[name] for name in everywhere if name in chosen]


def runs_in(item: Source | Target, environment: Environment) -> bool:
    """Whether an environment is one of those that a source or target runs in."""
    return environment.family == item.environment or (environment.family == "host" and item.on_host)


def _is_stopgap(item: Source | Target, environment: Environment, available: list[Environment]) -> bool:
    """Whether the host stands in for an environment that is there itself."""
    return environment.family == "host" != item.environment and any(e.family == item.environment for e in available)
