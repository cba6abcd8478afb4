"""gcolor train: photos to a trained network."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("train", short_help="Train a network on folders of photos.")
@click.argument("data", type=_PATH, nargs=-1, required=True)
@click.option("-o", "--output", "run", type=_PATH, required=True, help="The run's folder.")
@click.option(
    "--preset",
    default="default",
    show_default=True,
    help="Network: default, paper, paper-unet, paper-transunet, resunet.",
)
@click.option("--steps", type=click.IntRange(1), default=20_000, show_default=True)
@click.option(
    "--minutes", type=click.FloatRange(0), default=0.0, help="Wall-clock budget; the schedule fits itself to it."
)
@click.option("--batch-size", type=click.IntRange(1), help="The same batch size throughout, at --size.")
@click.option(
    "--size",
    type=click.IntRange(32),
    help="The same crop throughout, a multiple of 16. [default: 128, then 192, then 256]",
)
@click.option("--learning-rate", type=float, default=2e-3, show_default=True)
@click.option("--rebalance", type=click.Choice(["smoothed", "paper", "none"]), default="smoothed", show_default=True)
@click.option(
    "--max-grey", type=click.FloatRange(0, 1), default=0.97, show_default=True, help="Drop photos with more near-grey."
)
@click.option("--validation", type=_PATH, multiple=True, help="Folder of held-out photos to score on.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0 leaves it to torch.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--start", type=_PATH, help="Begin with the weights of another run.")
@click.option(
    "--recolor",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="Share of photos with a foreign colour.",
)
@click.option("--resume", is_flag=True, help="Continue the run in its folder.")
def command(
    data: tuple[Path, ...],
    run: Path,
    preset: str,
    steps: int,
    minutes: float,
    batch_size: int | None,
    size: int | None,
    learning_rate: float,
    rebalance: str,
    max_grey: float,
    validation: tuple[Path, ...],
    device: str,
    threads: int,
    seed: int,
    start: Path | None,
    recolor: float,
    resume: bool,
) -> None:
    """Train a network on the photos below DATA and keep checkpoints, averaged weights and metrics in a folder."""
    from .needs import require

    require("torch", "train")
    import torch

    from ..color.errors import EngineError, UsageError
    from ..models import PRESETS
    from ..trainer.config import Stage, TrainConfig
    from ..trainer.loop import train

    if preset not in PRESETS:
        raise UsageError(f"--preset {preset}: not known; there are {', '.join(PRESETS)}")
    if size is not None and size % 16:
        raise UsageError(f"--size {size}: must be a multiple of 16")
    for folder in (*data, *validation):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if chosen.startswith("cuda") and not torch.cuda.is_available():
        raise EngineError(f"device {device}: torch sees no CUDA here; use --device cpu")
    config = TrainConfig(
        model=PRESETS[preset],
        steps=steps,
        minutes=minutes,
        learning_rate=learning_rate,
        rebalance=rebalance,  # type: ignore[arg-type]
        max_grey=max_grey,
        recolor=recolor,
        device=chosen,
        threads=threads,
        seed=seed,
    )
    if size or batch_size:
        config.stages = [Stage(until=1.0, size=size or 256, batch_size=batch_size or 12)]
    train(
        list(data),
        run,
        config,
        resume=resume,
        validation=list(validation),
        report=lambda line: click.echo(line, err=True),
    )
