"""What a selection means: which exports and cells, each once, and what is said to a name that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from matrix.catalogue import SOURCES, TARGETS, Source, Target
from matrix.environments import Environment, environments
from matrix.errors import UserError
from matrix.plan import JUDGES, QUICK, SLICE, VARIANTS, Plan, Selection, make_plan, runs_in
from models.catalogue import all_models

Install = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Pretends that these environments, and no others, are installed beside the host."""

    def pretend(*names: str) -> None:
        there = property(lambda self: self.family in ("host", *names) or self.name in names)
        monkeypatch.setattr(Environment, "installed", there)

    return pretend


def name_of(family: str) -> str:
    """The environment of a family that is planned by default."""
    return next(name for name, e in environments().items() if e.family == family and e.default)


def sources(plan: Plan) -> set[str]:
    return {export.source_name for export in plan.exports}


def targets(plan: Plan) -> set[str]:
    return {cell.target_name for cell in plan.cells}


# -- the whole ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["quick", "default", "all"])
def test_every_planned_export_and_cell_is_planned_once(scope: str) -> None:
    plan = make_plan(Selection(scope=scope))
    exports, cells = [e.key for e in plan.exports], [c.key for c in plan.cells]
    assert len(set(exports)) == len(exports)
    assert len(set(cells)) == len(cells)
    assert {cell.export.key for cell in plan.cells} == set(exports)


def test_the_default_matrix_has_5000_cells_and_with_the_extras_all_sources_and_targets() -> None:
    usual = make_plan(Selection())
    assert len(usual.cells) >= 5000
    assert not [e.name for e in usual.environments if e.extra]
    assert sum(e.size_mb or 0 for e in usual.environments) < 8000
    plan = make_plan(Selection(extras=True))
    assert {name.split("@")[0] for name in sources(plan)} == {
        name for name, s in SOURCES.items() if not s.family and s.dtypes[0] == "float32"
    }
    assert {name.split("@")[0] for name in targets(plan)} == set(TARGETS)
    planned = {(export.model.name, export.variant) for export in plan.exports}
    for model in all_models().values():
        assert ((model.name, "static") in planned) == model.default
        assert ((model.name, "dynamic") in planned) == (model.kind == "architecture" and model.dynamic)


def test_scopes_grow_from_quick_to_all() -> None:
    quick, default, everything = (
        {cell.key for cell in make_plan(Selection(scope=scope)).cells} for scope in ("quick", "default", "all")
    )
    assert quick < default < everything
    models = {model.name for model in all_models().values()}
    assert set(QUICK) <= models
    planned = make_plan(Selection(scope="all")).exports
    assert {export.model.name for export in planned if not export.source.family} == models
    assert {export.source.name for export in planned} == set(SOURCES)


def test_the_order_is_fixed() -> None:
    first, second = (make_plan(Selection(scope="quick")) for _ in range(2))
    assert [cell.key for cell in first.cells] == [cell.key for cell in second.cells]


def test_a_plan_lists_each_environment_once() -> None:
    plan = make_plan(Selection(models=["linear"], extras=True))
    names = [e.name for e in plan.environments]
    usual: list[Source | Target] = [*TARGETS.values(), *(s for s in SOURCES.values() if not s.family)]
    places = [e for e in environments().values() if any(runs_in(item, e) for item in usual)]
    assert sorted(names) == sorted(e.name for e in places if e.default)
    every = make_plan(Selection(models=["linear"], all_versions=True, extras=True))
    assert sorted(e.name for e in every.environments) == sorted(e.name for e in places)


# -- names and patterns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        (["pytorch.dynamo"], {"pytorch.dynamo"}),
        (["pytorch.*"], {"pytorch.dynamo", "pytorch.torchscript"}),
        (["pytorch.*", "canonical", "pytorch.dynamo"], {"pytorch.dynamo", "pytorch.torchscript", "canonical"}),
        (["pytorch.dynamo@torch*"], {"pytorch.dynamo"}),
        (["*@host"], {"canonical", "onnxruntime.qdq"}),
    ],
)
def test_sources_are_chosen_by_name_and_pattern(patterns: list[str], chosen: set[str]) -> None:
    plan = make_plan(Selection(sources=patterns, models=["linear"]))
    assert {name.split("@")[0] for name in sources(plan)} == chosen


def test_targets_and_models_are_chosen_by_name_and_pattern() -> None:
    plan = make_plan(Selection(targets=["openvino.*"], models=["linear", "lstm*"], variants=["static"]))
    assert {name.split("@")[0] for name in targets(plan)} == {"openvino.default", "openvino.f32"}
    found = {export.model.name for export in plan.exports}
    assert "linear" in found
    assert found - {"linear"} == {name for name in all_models() if name.startswith("lstm")}


@pytest.mark.parametrize(
    ("selection", "near"),
    [
        (Selection(sources=["pytorch.dynamos"]), "no source 'pytorch.dynamos': did you mean pytorch.dynamo"),
        (Selection(sources=["pytorch.dynamo@torch9.9"]), "no source 'pytorch.dynamo@torch9.9'"),
        (Selection(targets=["openvin"]), "openvino.f32"),
        (Selection(models=["alexnt"]), "no model 'alexnt': did you mean alexnet"),
        (Selection(models=["linear", "zzz*"]), "no model 'zzz*': there are "),
        (Selection(models=[""]), "no model ''"),
        (Selection(variants=["dynamc"]), "no variant 'dynamc': did you mean dynamic"),
        (Selection(environments=["torch"]), "no environment 'torch': did you mean torch"),
    ],
)
@pytest.mark.parametrize("installed_only", [True, False])
def test_an_unknown_name_is_answered_with_the_near_ones(selection: Selection, near: str, installed_only: bool) -> None:
    with pytest.raises(UserError) as raised:
        make_plan(selection, installed_only)
    assert near in str(raised.value)


def test_a_selection_without_any_cell_is_a_mistake() -> None:
    static_only = next(m.name for m in all_models().values() if not m.dynamic)
    with pytest.raises(UserError, match="leaves no cell"):
        make_plan(Selection(models=[static_only], variants=["dynamic"]))


# -- variants and opsets ---------------------------------------------------------------------------------------------


def variants(selection: Selection) -> set[tuple[str, str]]:
    return {(export.model.name, export.variant) for export in make_plan(selection).exports}


def test_dynamic_variants_of_layers_are_made_when_asked_for() -> None:
    assert variants(Selection(models=["linear"])) == {("linear", "static")}
    assert variants(Selection(models=["linear"], variants=["dynamic"])) == {("linear", "dynamic")}
    whole = {("linear", name) for name, variant in VARIANTS.items() if not variant.quantised}
    assert variants(Selection(models=["linear"], sources=["canonical"], scope="all")) == whole
    assert variants(Selection(models=["alexnet"])) == {("alexnet", "static"), ("alexnet", "dynamic")}
    assert variants(Selection(models=["alexnet"], variants=["static"])) == {("alexnet", "static")}


def test_other_dtypes_are_planned_when_asked_for_where_the_exporter_has_them() -> None:
    asked = Selection(models=["linear"], variants=["float16"], sources=["canonical", "mxnet.gluon"])
    assert [export.key for export in make_plan(asked).exports] == ["canonical@host/linear/float16"]


def test_the_first_dtype_of_an_exporter_is_planned_when_it_is_named_and_by_default_if_it_is_float32() -> None:
    assert variants(Selection(models=["linear"], sources=["tensorflow.tflite"])) == {("linear", "int8")}
    assert "tensorflow.tflite@tensorflow2.21" not in sources(make_plan(Selection(models=["linear"])))
    asked = Selection(models=["linear"], sources=["tensorflow.tflite"], variants=["static", "int8"])
    assert variants(asked) == {("linear", "static"), ("linear", "int8")}


def test_each_opset_gives_an_export_of_its_own() -> None:
    plan = make_plan(Selection(models=["linear"], sources=["canonical"], opsets=[13, 17, 13]))
    assert [export.key for export in plan.exports] == [
        "canonical@host/linear/static-opset13",
        "canonical@host/linear/static-opset17",
    ]
    assert make_plan(Selection(models=["linear"], sources=["canonical"])).exports[0].opset is None


def test_full_size_is_part_of_the_plan() -> None:
    (full, *_), (usual, *_) = (make_plan(Selection(models=["mlp"], size=size)).exports for size in ("full", "default"))
    assert full.full
    assert not usual.full
    assert full.key != usual.key


# -- environments ----------------------------------------------------------------------------------------------------


def test_with_nothing_installed_the_host_runs_what_it_can(installed: Install) -> None:
    installed()
    for asked in ([], ["reference", "onnxruntime.all"]):
        plan = make_plan(Selection(models=["linear"], targets=asked), installed_only=True)
        assert sources(plan) == {"canonical@host"}
        assert targets(plan) == {"reference@host", "onnxruntime.all@host"}


def test_the_host_does_not_stand_in_for_an_environment_that_is_there(installed: Install) -> None:
    installed("onnxruntime")
    plan = make_plan(Selection(models=["linear"]), installed_only=True)
    place = name_of("onnxruntime")
    assert targets(plan) == {"reference@host", f"onnxruntime.all@{place}", f"onnxruntime.none@{place}"}


def test_only_what_is_installed_is_planned_unless_it_is_named(installed: Install) -> None:
    installed("torch")
    plan = make_plan(Selection(models=["linear"]), installed_only=True)
    assert {name.split("@")[0] for name in sources(plan)} == {"canonical", "pytorch.dynamo", "pytorch.torchscript"}
    named = make_plan(Selection(models=["linear"], sources=["tensorflow.keras"], targets=["tvm"]), installed_only=True)
    assert [cell.key for cell in named.cells] == [
        f"tensorflow.keras@{name_of('tensorflow')}/linear/static/tvm@{name_of('tvm')}"
    ]


def test_an_environment_that_is_named_wants_its_exports_on_everything_and_everything_on_it(installed: Install) -> None:
    installed("torch", "tvm", "openvino")
    plan = make_plan(Selection(models=["linear"], environments=[name_of("torch")]), installed_only=True)
    assert {name.split("@")[0] for name in sources(plan)} == {"pytorch.dynamo", "pytorch.torchscript"}
    assert {name.split("@")[0] for name in targets(plan)} >= {"tvm", "openvino.f32", "reference", "onnxruntime.all"}

    plan = make_plan(Selection(models=["linear"], environments=[name_of("tvm")]), installed_only=True)
    assert {name.split("@")[0] for name in sources(plan)} == {"canonical", "pytorch.dynamo", "pytorch.torchscript"}
    assert {name.split("@")[0] for name in targets(plan)} == {"tvm"}


def test_an_environment_that_is_named_is_planned_though_it_is_not_installed(installed: Install) -> None:
    installed()
    plan = make_plan(Selection(models=["linear"], environments=[name_of("tvm")]), installed_only=True)
    assert targets(plan) == {f"tvm@{name_of('tvm')}"}


def test_each_opset_is_of_the_exporters_own_range() -> None:
    asked = Selection(models=["linear"], opsets=["each"], sources=["keras.tensorflow", "mxnet.gluon"])
    assert [export.opset for export in make_plan(asked).exports] == [6, 13, 17, 18]  # MXNet takes no opset


def test_targets_that_compile_for_seconds_get_a_slice_unless_they_are_named() -> None:
    erf = Selection(models=["erf"], sources=["canonical"], extras=True)
    usual = {c.target.name for c in make_plan(erf).cells}
    assert usual == {name for name, target in TARGETS.items() if not target.slow}
    assert {c.target.name for c in make_plan(Selection(models=["erf"], targets=["iree"])).cells} == {"iree"}
    for model in ("conv1d", "conv2d"):  # of SLICE, and of QUICK
        cells = make_plan(replace(erf, models=[model], sources=["canonical", "pytorch.dynamo"])).cells
        sources = {cell.export.source.name for cell in cells if cell.target.name == "iree"}
        assert sources == {"canonical"} | ({"pytorch.dynamo"} if model in QUICK else set())
    alexnet = Selection(models=["alexnet"], sources=["canonical", "pytorch.dynamo"], targets=[], extras=True)
    found = {c.export.key for c in make_plan(alexnet).cells if c.target.name == "iree"}
    assert {key.split("@")[0] + "/" + key.split("/")[-1] for key in found} == {
        "canonical/static", "canonical/dynamic", "pytorch.dynamo/static",
    }  # fmt: skip
    assert set(SLICE) <= set(all_models())


def test_the_published_matrix_has_all_that_is_named_once() -> None:
    plan = make_plan(Selection(scope="published", targets=["reference"], sources=["canonical", "onnx.node@host"]))
    keys = [cell.key for cell in plan.cells]
    assert len(keys) == len(set(keys)) == len(plan.exports)
    variants = {export.variant for export in plan.exports}
    assert variants == {"static", "dynamic", "float16", "bfloat16", "float64"}
    assert {export.opset for export in plan.exports} >= {None, 13, 17, 21}
    assert sum(export.source.name == "onnx.node" for export in plan.exports) > 1500
    whole = make_plan(Selection(scope="published"))
    assert len(whole.cells) >= 60_000
    narrow = {(e.source.name, e.model.name) for e in whole.exports if e.variant == "float16"}
    assert {model for source, model in narrow if source == "canonical"} > set(QUICK)
    assert {model for source, model in narrow if source != "canonical"} <= set(QUICK)
    assert {e.model.name for e in whole.exports if e.source.name == "tensorflow.tflite"} > set(QUICK)
    versions = [cell for cell in whole.cells if not (cell.environment.default and cell.export.environment.default)]
    assert {cell.export.source_name for cell in versions if not cell.environment.default} == {
        "canonical@host", "onnx.node@host",
    }  # fmt: skip
    assert {cell.target.name for cell in versions if not cell.export.environment.default} == set(JUDGES)
    assert {name for name, e in environments().items() if not e.default} == {
        end.name for cell in versions for end in (cell.environment, cell.export.environment) if not end.default
    }
    slow = {cell.target.name for cell in whole.cells if cell.target.slow and cell.export.source.name == "onnx.node"}
    assert slow >= {"tinygrad", "ncnn", "onnxruntime-web.webgpu"}
    assert "litert" not in slow, "it takes seconds over each file"
    asked = {(e.source.name == "canonical", e.model.name) for e in whole.exports if e.opset}
    assert {model for canonical, model in asked if canonical} == set(QUICK)
    assert {model for canonical, model in asked if not canonical} == {
        m for m in QUICK if all_models()[m].kind == "layer"
    }


# -- versions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The names of the default version of tvm and of another one, whatever tox.ini has."""
    other = Environment("tvm0.1", "tvm", "python3.11", ("apache-tvm==0.1",), default=False)
    monkeypatch.setattr("matrix.plan.environments", lambda: {**environments(), other.name: other})
    return name_of("tvm"), other.name


CANONICAL = Selection(models=["linear"], sources=["canonical"])


def places(*targets_asked: str, installed_only: bool = False, **more: object) -> set[str]:
    """Where `canonical` runs on tvm."""
    plan = make_plan(replace(CANONICAL, targets=targets_asked, **more), installed_only)  # type: ignore[arg-type]
    return {name.split("@")[1] for name in targets(plan) if name.startswith("tvm@")}


def test_the_versions_that_are_not_default_are_planned_on_request_only(two_versions: tuple[str, str]) -> None:
    default, other = two_versions
    assert other not in places()
    assert places("tvm") == {default}
    assert places("tv*") == {default}
    assert places(f"tvm@{other}") == {other}
    assert places("tvm", f"tvm@{other}") == {default, other}
    assert places("tvm@tvm*") >= {default, other}
    assert places(environments=[other]) == {other}
    assert places("tvm", environments=[other]) == {other}
    assert places(environments=["*"]) >= {default, other}
    assert places(all_versions=True) >= {default, other}
    assert places("tvm", all_versions=True) >= {default, other}


def test_another_version_is_left_out_though_it_is_installed(two_versions: tuple[str, str], installed: Install) -> None:
    default, other = two_versions
    installed(other)
    assert places(installed_only=True) == set()
    assert places("tvm", installed_only=True) == {default}
    assert places(installed_only=True, all_versions=True) == {other}
    assert places("tvm", installed_only=True, all_versions=True) == {other}
    assert places(f"tvm@{other}", installed_only=True) == {other}


def test_what_the_host_has_in_another_version_stays_on_the_host() -> None:
    plan = make_plan(Selection(sources=["onnx.node"], models=["test_add"], targets=["reference"]))
    assert sources(plan) == {"onnx.node@host"}
    plan = make_plan(Selection(sources=["onnx.node@onnx*"], models=["test_add"], targets=["reference"]))
    assert sources(plan) == {name for name in sources(plan) if "@onnx" in name}
    assert len(sources(plan)) >= 2


def test_an_extra_is_planned_when_it_is_named_or_installed(installed: Install) -> None:
    extra = name_of("tinygrad")
    assert extra not in {e.name for e in make_plan(Selection()).environments}
    assert extra in {e.name for e in make_plan(Selection(environments=[extra])).environments}
    assert make_plan(Selection(targets=["iree"], models=["linear"])).cells
    installed(extra)
    assert extra in {e.name for e in make_plan(Selection(), installed_only=True).environments}
