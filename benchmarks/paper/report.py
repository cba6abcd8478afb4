"""Tables and figures of docs/paper.md, from the results that are committed: no row is trained for it.

    python benchmarks/paper/report.py [--results DIR] [--check]

What lies between <!-- table NAME --> and <!-- end --> in the document is made anew, and so are the figures in
docs/images/. --check writes nothing and fails where the document is not that of the results.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click
from gcolor.color.errors import GcolorError
from gcolor.runtime.files import replace_file
from gcolor.trainer.scoring.figures import save_figure

sys.path.insert(0, str(Path(__file__).parent.parent))
from paper import figures, records, tables

DOCS = Path(__file__).parents[2] / "docs"
PART = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, parts: dict[str, str]) -> str:
    """A document with each of its tables made anew. Raises KeyError for a table that nobody makes."""
    return PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}", text)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--results", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=records.FOLDER
)
@click.option("--check", is_flag=True, help="Only say whether the document is that of the results.")
def command(folder: Path, check: bool) -> None:
    """Make the tables and figures anew."""
    try:
        found = tables.load_all(folder)
    except GcolorError as error:
        raise click.ClickException(str(error)) from error
    costs = json.loads((folder / records.COSTS).read_text())["ms"]
    parts = {
        "networks": tables.networks(found),
        "hints": tables.hints(found),
        "patch": tables.patch_term(found),
        "why": tables.why(found),
        "progress": tables.progress(found, costs),
        "costs": tables.costs(costs),
    }
    document = DOCS / "paper.md"
    old = document.read_text(encoding="utf-8")
    new = filled(old, parts)
    if check:
        raise SystemExit(0 if new == old else f"{document}: not that of the results; run report.py")
    replace_file(document, lambda temporary: temporary.write_text(new, encoding="utf-8"))
    drawn = {
        "curves": figures.curves(found, "default"),
        "curves-paper": figures.curves(found, "paper"),
        "why": figures.explanation(found),
        "samples": figures.samples(found, folder),
    }
    for name, figure in drawn.items():
        if figure:
            save_figure(figure, DOCS / "images" / f"paper-{name}.png")


if __name__ == "__main__":
    command()
