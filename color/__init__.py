"""What every part agrees on: sRGB <-> CIE LAB, the ab bins, the hint format, the scores, the errors."""
