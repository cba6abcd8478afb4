"""Make the example photographs: public-domain pictures that scikit-image brings along, turned grey.

astronaut: Eileen Collins, NASA, public domain. coffee: Rachel Michetti, CC0. chelsea: Stefan van der Walt, CC0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

HERE = Path(__file__).parent


def main() -> None:
    """Write imgs/NAME.jpg, grey, at the pictures' own sizes."""
    (HERE / "imgs").mkdir(exist_ok=True)
    for name in ("astronaut", "chelsea", "coffee"):
        picture = Image.fromarray(np.asarray(getattr(skimage.data, name)())).convert("L")
        picture.save(HERE / "imgs" / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    main()
