"""What kind of picture a file is, by its first bytes; and the sentence for a picture of a kind that is not read.

Three things must never be mixed up: a file that is damaged, one that is no picture, and a sound picture of a kind that
gcolor does not read. Only who is told the third keeps it.
"""

from __future__ import annotations

import re

from ....color.errors import PictureError
from ...others import BY_ENDING

HEAD = 64

# Pillow's name of each format that is read, by its first bytes.
READ = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("TIFF", re.compile(rb"II(\x2a\0|\x2b\0)|MM(\0\x2a|\0\x2b)")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("BMP", re.compile(rb"BM")),
    ("AVIF", re.compile(rb"....ftyp(avif|avis)", re.DOTALL)),
    ("HEIF", re.compile(rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)),
    ("JPEG2000", re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", re.DOTALL)),
    ("PPM", re.compile(rb"P[1-7fF]\s|PyP|Pf")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("PSD", re.compile(rb"8BPS")),
)
# Pictures that nothing here reads, and documents that are taken for pictures.
OTHER = (
    ("a Fujifilm raw file", re.compile(rb"FUJIFILMCCD-RAW")),
    ("a Canon raw file", re.compile(rb"II\x2a\0....CR|....ftypcrx", re.DOTALL)),
    ("an Olympus raw file", re.compile(rb"II(RO|RS)|MMOR")),
    ("a Panasonic raw file", re.compile(rb"IIU\0")),
    ("a Sigma raw file", re.compile(rb"FOVb")),
    ("a Minolta raw file", re.compile(rb"\0MRM")),
    ("a JPEG XL picture", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ")),
    ("a JPEG XR picture", re.compile(rb"II\xbc")),
    ("an OpenEXR picture", re.compile(rb"\x76\x2f\x31\x01")),
    ("a Radiance HDR picture", re.compile(rb"#\?(RADIANCE|RGBE)")),
    ("a DDS texture", re.compile(rb"DDS ")),
    ("a Windows icon", re.compile(rb"\0\0[\x01\x02]\0[^\0]\0", re.DOTALL)),
    ("a Macintosh icon", re.compile(rb"icns")),
    ("a GIMP picture", re.compile(rb"gimp xcf")),
    ("a zip file", re.compile(rb"PK\x03\x04")),
    ("a video", re.compile(rb"....ftyp(isom|iso2|mp4[12]|M4V |qt  |avc1|3gp|dash)|\x1a\x45\xdf\xa3", re.DOTALL)),
    ("a PDF document", re.compile(rb"%PDF")),
    ("a PostScript document", re.compile(rb"%!PS|\xc5\xd0\xd3\xc6")),
    ("an SVG drawing", re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<svg", re.IGNORECASE)),
    ("a DjVu document", re.compile(rb"AT&TFORM")),
    ("an SGI picture", re.compile(rb"\x01\xda[\x00\x01][\x01\x02]")),
    ("a PCX picture", re.compile(rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]")),
    ("a Sun raster picture", re.compile(rb"\x59\xa6\x6a\x95")),
    ("a FITS picture", re.compile(rb"SIMPLE  =")),
    ("a DPX or Cineon picture", re.compile(rb"SDPX|XPDS|\x80\x2a\x5f\xd7")),
    ("a QOI picture", re.compile(rb"qoif")),
    ("a FLIF picture", re.compile(rb"FLIF")),
    ("a BPG picture", re.compile(rb"BPG\xfb")),
    ("a JBIG2 picture", re.compile(rb"\x97JB2")),
    ("an XPM picture", re.compile(rb"/\* XPM \*/")),
    ("a Windows metafile", re.compile(rb"\xd7\xcd\xc6\x9a")),
)


# Which are no pictures themselves, by what to do about it.
DOCUMENTS = {
    "a PDF document": BY_ENDING[".pdf"].do,
    "a DjVu document": BY_ENDING[".djvu"].do,
    "a PostScript document": BY_ENDING[".ps"].do,
    "a zip file": BY_ENDING[".zip"].do,
    "a video": BY_ENDING[".mp4"].do,
}


def read_kind(head: bytes) -> str:
    """Pillow's name of the format that a file begins like, "" where it is none that is read."""
    return next((name for name, pattern in READ if pattern.match(head)), "")


def other_kind(head: bytes) -> str:
    """What a file is that is a picture, or a document, of a kind that is never read; "" where it is unknown."""
    if head[:1] and head[128:132] == b"DICM":
        return "a DICOM picture"
    return next((name for name, pattern in OTHER if pattern.match(head)), "")


class OtherKindError(PictureError):
    """A sound picture of a kind that gcolor does not read."""

    def __init__(self, kind: str, extra: str = "", save_as: str = "TIFF or PNG with 8 or 16 bits") -> None:
        if kind in DOCUMENTS:
            super().__init__(f"is {kind}, a file of a kind that gcolor does not read; keep it: {DOCUMENTS[kind]}")
            return
        install = f"pip install 'gcolor[{extra}]' reads it, or " if extra else ""
        super().__init__(
            f"is {kind}, a picture of a kind that gcolor does not read{' here' if extra else ''}; keep it: {install}"
            f"save a copy as {save_as}"
        )


def is_unsupported(complaint: str) -> bool:
    """Whether what a decoder says means that it does not know the kind, not that the file is damaged."""
    return bool(
        re.search(r"(?i)unsupported|not supported|unknown pixel mode|not configured|not implemented", complaint)
    )
