"""Tables and figures of docs/paper.md, from the results that are committed: no row is trained for it.

    python benchmarks/paper/report.py [--results DIR] [--check]

What lies between <!-- made NAME --> and <!-- end --> in the document is made anew, and so are the figures in
docs/images/. --check writes nothing and fails where the document is not that of the results.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from gcolor.color.errors import GcolorError, UsageError
from gcolor.runtime.files import replace_file
from gcolor.trainer.scoring.figures import save_figure

sys.path.insert(0, str(Path(__file__).parent.parent))
from paper import figures, records, tables
from paper.rows import ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).parents[2] / "docs"
CAPTIONS = {
    "curves": "Figure 2, the default's recipe",
    "curves_paper": "Figure 2, the paper's recipe",
    "explanation": "One thing changed at a time",
    "samples": "Figure 3",
}
UNDRAWN = "no row that it shows is complete yet."
PART = re.compile(r"(<!-- made (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, parts: dict[str, str]) -> str:
    """A document with each of its tables and figures made anew. Raises KeyError for one that nobody makes."""
    return PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}", text)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--results", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=records.FOLDER
)
@click.option("--check", is_flag=True, help="Only say whether the document is that of the results.")
def command(folder: Path, check: bool) -> None:
    """Make the tables and figures anew."""
    document = DOCS / "paper.md"
    old = document.read_text(encoding="utf-8")
    try:
        found = tables.load_all(folder)
        drawn = draw(found, folder)
        new = filled(old, write(found, folder) | {name: shown(name, drawn[name]) for name in drawn})
    except GcolorError as error:
        raise click.ClickException(str(error)) from error
    if check:
        raise SystemExit(0 if new == old else f"{document}: not that of the results; run report.py")
    replace_file(document, lambda temporary: temporary.write_text(new, encoding="utf-8"))
    for name, figure in drawn.items():
        if figure:
            save_figure(figure, DOCS / picture(name))


def write(found: tables.Found, folder: Path) -> dict[str, str]:
    """All tables, by their names in the document. Raises UsageError where the cost of a row is not known."""
    costs = json.loads((folder / records.COSTS).read_text())["ms"]
    if unknown := set(ROWS) - set(costs):
        raise UsageError(f"{folder / records.COSTS}: lacks {', '.join(sorted(unknown))}; run costs.py")
    return {
        "networks": tables.networks(found),
        "hints": tables.hints(found),
        "patch": tables.patch_term(found),
        "why": tables.why(found),
        "progress": tables.progress(found, costs),
        "costs": tables.costs(costs),
    }


def draw(found: tables.Found, folder: Path) -> dict[str, Figure | None]:
    """All figures, by their names in the document."""
    return {
        "curves": figures.curves(found, "default"),
        "curves_paper": figures.curves(found, "paper"),
        "explanation": figures.explanation(found),
        "samples": figures.samples(found, folder),
    }


def picture(name: str) -> str:
    """The file of a figure, from docs/ on."""
    return f"images/paper-{name.replace('_', '-')}.{'jpg' if name == 'samples' else 'png'}"


def shown(name: str, figure: Figure | None) -> str:
    """What stands in the document for a figure."""
    return f"![{CAPTIONS[name]}]({picture(name)})" if figure else f"{CAPTIONS[name]}: {UNDRAWN}"


if __name__ == "__main__":
    command()
