"""The command line against the configurations that it fills: no choice and no default is a second copy."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import click
import pytest
from gcolor.cli.commands.export_trt import trt_options
from gcolor.cli.commands.prepare import command as prepare
from gcolor.cli.commands.train import command as train
from gcolor.export.tensorrt.build import HARDWARE, BuildOptions
from gcolor.models import PRESETS
from gcolor.trainer.config import RECIPES, TrainConfig, choices_of
from gcolor.trainer.data.prepare import PrepareOptions

# Options of `gcolor train` that are no field: of the call, of the network (preset, encoder) or of several fields.
NO_FIELD = {"run", "preset", "recipe", "resume", "start", "encoder", "batch_size", "size", "gpus", "fields"}
# The same of `gcolor prepare`.
NO_OPTION = {"photos", "output", "jobs", "verify", "as_json"}


def options(command: click.Command) -> dict[str, click.Option]:
    return {p.name: p for p in command.params if isinstance(p, click.Option) and p.name}


def test_each_option_of_train_names_a_field_and_says_nothing_of_its_value() -> None:
    found = options(train)
    assert found.keys() - NO_FIELD <= {field.name for field in fields(TrainConfig)}
    for name in found.keys() - NO_FIELD:
        kind, choices = found[name].type, choices_of(name)
        assert (tuple(kind.choices) if isinstance(kind, click.Choice) else ()) == choices, name
        assert train.make_context("train", ["photos", "-o", "run"]).params[name] is None, name


@pytest.mark.parametrize("name", ["crop", "rebalance", "hints", "precision", "loader"])
def test_every_choice_of_train_makes_a_configuration(name: str) -> None:
    kind = options(train)[name].type
    assert isinstance(kind, click.Choice) and len(kind.choices) > 1
    for choice in kind.choices:
        assert getattr(TrainConfig.from_dict(replace(TrainConfig(), **{name: choice}).to_dict()), name) == choice


def test_presets_and_recipes_are_those_there_are() -> None:
    listed = (options(train)["preset"].help or "").removeprefix("Network and recipe: ").split(".")[0]
    assert set(listed.split(", ")) == PRESETS.keys()
    kind = options(train)["recipe"].type
    assert isinstance(kind, click.Choice) and set(kind.choices) == RECIPES.keys()


def test_defaults_of_prepare_are_those_of_its_options() -> None:
    given: dict[str, Any] = prepare.make_context("prepare", ["-o", "out"]).params
    assert PrepareOptions(**{k: v for k, v in given.items() if k not in NO_OPTION}) == PrepareOptions()
    assert given.keys() - NO_OPTION == {field.name for field in fields(PrepareOptions)}


def test_counts_of_evaluate_are_those_of_the_protocol() -> None:
    from gcolor.cli.commands.evaluate import command as evaluate

    assert evaluate.make_context("evaluate", ["run", "photos"]).params["counts"] == [0, 1, 2, 5, 10, 20, 36, 50, 100]


def test_hardware_of_export_is_what_the_build_knows() -> None:
    command = trt_options(click.Command("export", params=[]))
    kind = options(command)["trt_hardware_compatible"]
    assert isinstance(kind.type, click.Choice)
    assert list(kind.type.choices) == ["none", *HARDWARE]
    assert kind.default == BuildOptions().hardware_compatible


def test_the_help_of_train_needs_no_torch() -> None:
    code = (
        "import sys; from gcolor.cli.main import run; run(['train', '--help'])\n"
        "print([m for m in ('numpy', 'torch', 'onnx', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
