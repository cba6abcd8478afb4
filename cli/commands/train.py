"""gcolor train: photos to a trained network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from ...trainer.config import ENCODERS, RECIPES, choices_of
from ..params import Model

_Function = TypeVar("_Function", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_SHARE = click.FloatRange(0, 1)
_COUNT = click.IntRange(0)
_SOME = click.IntRange(1)


def _field(flag: str, text: str, kind: Any = None) -> Callable[[_Function], _Function]:
    """An option that is named after a field of TrainConfig and replaces the preset's value where it is given.

    kind: what a value may be, where the field has no choices.
    """
    return click.option(flag, type=kind or click.Choice(choices_of(flag.lstrip("-").replace("-", "_"))), help=text)


@click.command("train", short_help="Train a network on shards or folders of photos.")
@click.argument("data", type=_PATH, nargs=-1, required=True)
@click.option("-o", "--output", "run", type=_PATH, required=True, help="The run's folder.")
@click.option(
    "--preset",
    help="Network and recipe: default, hintunet, paper, paper-unet, paper-transunet, resunet. [default: default]",
)
@click.option("--recipe", type=click.Choice(list(RECIPES)), help="How it trains. [default: the preset's]")
@click.option("--resume", is_flag=True, help="Continue the run in its folder; options that are given replace its own.")
@click.option("--start", type=Model(), help="Begin with the weights of another run, or of a bundle (default: ours).")
@click.option("--validation", type=_PATH, help="Folder of held-out photos to score on.")
@click.option(
    "--encoder",
    type=click.Choice(["none", *filter(None, ENCODERS)]),
    help="What looks at the photograph beside the network itself. [default: the preset's]",
)
@_field("--encoder-weights", "FILE of published weights, auto (the installed package's) or none.", str)
@_field("--steps", "Optimizer steps of the whole run.", _SOME)
@_field("--minutes", "Wall-clock budget; the schedule fits itself to it.", click.FloatRange(0))
@click.option("--batch-size", type=_SOME, help="The same batch throughout, over all processes, at --size.")
@click.option(
    "--size", type=click.IntRange(32), help="The same crop throughout, a multiple of 16 (default: 128 to 256)."
)
@_field("--crop", "Random parts, or the whole photo as a square.")
@_field("--learning-rate", "Largest learning rate.", float)
@_field("--weight-decay", "Of AdamW, or Adam in the paper's presets.", click.FloatRange(0))
@_field("--warmup-steps", "Steps over which the learning rate rises.", _COUNT)
@_field("--clip-norm", "Largest norm of the gradient; 0 for any.", click.FloatRange(0))
@_field("--ema", "Decay of the averaged weights; 0 for none.", _SHARE)
@_field("--accumulate", "Micro-batches per step, to save memory.", _SOME)
@_field("--rebalance", "Class weights.")
@_field("--patch-weight", "Extra weight of the loss at hints (lambda_patch).", click.FloatRange(0))
@_field("--regression-weight", "Weight of the distance of the decoded color.", click.FloatRange(0))
@_field("--hints", "Hints that are shown while training.")
@_field("--recolor", "Share of photos with a foreign color.", _SHARE)
@_field("--max-grey", "Of plain folders, drop photos with this share of near-grey pixels; 1 keeps all.", _SHARE)
@_field("--seed", "Everything random follows from it.", int)
@click.option("--device", help="auto, cpu, cuda or cuda:N. [default: auto]")
@click.option("--gpus", type=_SOME, help="Train in so many processes, one per GPU (with --device cpu: on the CPU).")
@_field("--precision", "Of the network. [default: bf16 on a GPU, else fp32]")
@click.option("--compile/--no-compile", "compile", default=None, help="Run the network through torch.compile.")
@_field("--loader", "Who decodes. [default: dali where it is installed]")
@_field("--workers", "Decoding threads of each training process.", _SOME)
@_field("--threads", "CPU threads for arithmetic; 0 leaves it to torch.", _COUNT)
@_field("--log-every", "Steps between two lines of metrics.jsonl.", _SOME)
@_field("--save-every", "Steps between two checkpoints; 0 goes by --save-minutes.", _COUNT)
@_field("--save-minutes", "Minutes between two checkpoints.", click.FloatRange(0))
@_field("--keep", "Checkpoints that stay.", _SOME)
@_field("--evaluate-every", "Steps between two validations; 0 goes by --evaluate-minutes.", _COUNT)
@_field("--evaluate-minutes", "Minutes between two validations.", click.FloatRange(0))
@_field("--evaluate-photos", "How many of the held-out photos are scored.", _SOME)
@click.option(
    "--set", "fields", metavar="NAME=VALUE", multiple=True, help="Any other field of the run's configuration."
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    data: tuple[Path, ...],
    run: Path,
    resume: bool,
    start: Path | None,
    validation: Path | None,
    gpus: int | None,
    fields: tuple[str, ...],
    **options: Any,
) -> None:
    """Train a network on DATA and keep checkpoints, averaged weights, metrics and figures in a folder.

    DATA are folders of shards, as `gcolor prepare` makes them, or plain folders of photos, which become shards in the
    run's folder first. Runs alone, in several processes (--gpus), or under torchrun on several machines.
    """
    from ..needs import require

    require("torch", "train")
    from ...color.errors import UsageError
    from ...trainer.config import parse_field
    from ...trainer.configure import configure
    from ...trainer.distributed import World, launch, restarted
    from ...trainer.loop import silent, train
    from ..interrupt import Interrupt
    from ..views import TrainingView

    folders = list(data)
    for folder in (*folders, *filter(None, [validation])):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
    world = World.from_environment()
    resume = resume or restarted()
    if validation:
        options["validation"] = str(validation.resolve())
    asked = {k: v for k, v in options.items() if v is not None} | dict(map(parse_field, fields))
    config = configure(run, resume, gpus or world.size, asked)
    with TrainingView(config.steps, live=world.size == 1) as view:
        if (gpus or 1) > 1 and world.size == 1:
            from ...trainer.data.of_run import prepare_data

            prepare_data(folders, run, config.max_grey, view.say, view.prepared)
            code = launch(ctx.find_root().obj, gpus or 1)
            if code:
                ctx.exit(code)
            return
        with Interrupt(view.say, "a checkpoint is written first") if world.size == 1 else nullcontext() as interrupt:
            train(
                folders,
                run,
                config,
                resume=resume,
                start=start,
                report=view.say if world.first else silent,
                on_row=view.row,
                on_prepared=view.prepared,
                stop=lambda: bool(interrupt and interrupt.signal),
            )
            if interrupt and interrupt.signal:
                ctx.exit(128 + interrupt.signal)
