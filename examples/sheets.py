"""Make the README's pictures from the examples, with the real commands: photograph, hints, result side by side.

python examples/sheets.py        # writes docs/images/NAME.jpg
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
SHEETS = HERE.parent / "docs" / "images"
HEIGHT, GAP = 280, 8


def gcolor(*arguments: object) -> None:
    """Run a gcolor command that must succeed."""
    subprocess.run([sys.executable, "-m", "gcolor", *map(str, arguments)], check=True)


def main() -> None:
    """Colour the examples, draw their hints, and lay the three versions side by side."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        gcolor("batch", HERE / "imgs", "--hints", HERE / "hints", "-o", work, "--quality", 95, "--quiet")
        for picture in sorted((HERE / "imgs").iterdir()):
            drawn = work / f"{picture.stem}_hints.png"
            hints = next((HERE / "hints").glob(f"{picture.stem}.*"))
            gcolor("hints", "render", hints, "-o", drawn, "--picture", picture)
            parts = [Image.open(p).convert("RGB") for p in (picture, drawn, work / picture.name)]
            parts = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT), Image.Resampling.LANCZOS) for p in parts]
            sheet = Image.new("RGB", (sum(p.width for p in parts) + GAP * (len(parts) - 1), HEIGHT), "white")
            left = 0
            for part in parts:
                sheet.paste(part, (left, 0))
                left += part.width + GAP
            sheet.save(SHEETS / f"{picture.stem}.jpg", quality=88)


if __name__ == "__main__":
    main()
