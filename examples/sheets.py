"""Make the pictures of README and docs from the examples, with the real commands.

python examples/sheets.py        # writes docs/images

NAME.jpg: photograph, hints, result side by side. automatic.jpg: all of them without hints. one_hint.jpg: a single hint
of a foreign color, and what it does to the rest of the picture.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
SHEETS = HERE.parent / "docs" / "images"
HEIGHT, GAP = 280, 8
ONE_HINT = {"version": 1, "unit": "fraction", "points": [{"x": 0.24, "y": 0.75, "color": "#3f9a5a", "radius": 0.01}]}


def gcolor(*arguments: object) -> None:
    """Run a gcolor command that must succeed."""
    subprocess.run([sys.executable, "-m", "gcolor", *map(str, arguments)], check=True)


def side_by_side(name: str, paths: list[Path]) -> None:
    """Write a sheet of these pictures, all of one height."""
    parts = [Image.open(path).convert("RGB") for path in paths]
    parts = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT), Image.Resampling.LANCZOS) for p in parts]
    sheet = Image.new("RGB", (sum(p.width for p in parts) + GAP * (len(parts) - 1), HEIGHT), "white")
    left = 0
    for part in parts:
        sheet.paste(part, (left, 0))
        left += part.width + GAP
    sheet.save(SHEETS / f"{name}.jpg", quality=88)


def main() -> None:
    """Color the examples with their hints, with none and with one, and lay what comes out side by side."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    pictures = sorted((HERE / "imgs").iterdir())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        gcolor("batch", HERE / "imgs", "--hints", HERE / "hints", "-o", work / "hinted", "--quality", 95, "--quiet")
        gcolor("batch", HERE / "imgs", "-o", work / "automatic", "--quality", 95, "--quiet")
        for picture in pictures:
            hints = next((HERE / "hints").glob(f"{picture.stem}.*"))
            drawn = work / f"{picture.stem}_hints.png"
            gcolor("hints", "render", hints, "-o", drawn, "--picture", picture)
            side_by_side(picture.stem, [picture, drawn, work / "hinted" / picture.name])
        side_by_side("automatic", [work / "automatic" / picture.name for picture in pictures])
        coffee = HERE / "imgs" / "coffee.jpg"
        (work / "one").mkdir()
        (work / "one" / "coffee.json").write_text(json.dumps(ONE_HINT))
        gcolor("batch", coffee, "--hints", work / "one", "-o", work / "tinted", "--quality", 95, "--quiet")
        gcolor("hints", "render", work / "one" / "coffee.json", "-o", work / "one.png", "--picture", coffee)
        side_by_side("one_hint", [work / "automatic" / coffee.name, work / "one.png", work / "tinted" / coffee.name])


if __name__ == "__main__":
    main()
