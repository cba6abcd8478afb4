"""XMP that is true of the output: upright, without a gain map or a preview; and where its colors come from.

Changed as text, where it must be and nowhere else: an XML writer would name and order everything anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TIFF = "http://ns.adobe.com/tiff/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
EXIF = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
GCOLOR = "urn:gcolor:provenance:1:"
USUAL = {RDF: "rdf", TIFF: "tiff", EXIF: "exif", PHOTOSHOP: "photoshop", DC: "dc"}
NOTE = "http://ns.adobe.com/xmp/note/"
# What says that there is a second picture, a film or a preview behind the pixels, of which none is in the output; and
# how the pixels were stored.
CONTAINER = "http://ns.google.com/photos/1.0/container/"
CAMERA = "http://ns.google.com/photos/1.0/camera/"
BASIC = "http://ns.adobe.com/xap/1.0/"
UNTRUE = (
    (GAIN_MAP, r"[\w.-]+"),
    (CONTAINER, "Directory"),
    (CAMERA, r"(?:Micro|Motion)[\w.-]+"),
    (BASIC, "Thumbnails"),
    (TIFF, "BitsPerSample|Compression|PhotometricInterpretation|SamplesPerPixel|PlanarConfiguration"),
    (PHOTOSHOP, "ColorMode"),
)
# IPTC NewsCodes, digital source type: "edited using generative AI", the only one for a picture that was there, and of
# which a trained network has added a part that nobody saw. "algorithmicallyEnhanced" is for what leaves the content.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the colors of an output come from. bundle: its fingerprint; hint_files: the hashes of the hint files.

    Nothing in it changes from run to run.
    """

    version: str
    bundle: str
    hints: int
    hint_files: tuple[str, ...] = ()

    def description(self) -> str:
        """As a block of RDF."""
        values = {
            "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPE,
            "gcolor:Statement": "The colors of this picture are inferred by a trained network; its lightness is the "
            "original's.",
            "gcolor:Software": f"gcolor {self.version}",
            "gcolor:Bundle": self.bundle,
            "gcolor:Hints": str(self.hints),
        }
        if self.hint_files:
            values["gcolor:HintFiles"] = " ".join(self.hint_files)
        attributes = "".join(f'\n   {name}="{escape(value)}"' for name, value in values.items())
        return (
            f'<rdf:Description xmlns:rdf="{RDF}" rdf:about=""\n   xmlns:Iptc4xmpExt="{IPTC_EXTENSION}"\n'
            f'   xmlns:gcolor="{GCOLOR}"{attributes}/>'
        )


def make_true(xmp: bytes, swapped: bool = False, converted: bool = False) -> bytes:
    """XMP without what is not so in the output: another orientation, a gain map, a preview, a second picture, how the
    pixels were stored.

    swapped: width and height change places. converted: the colors are those of sRGB now.
    """
    text, encoding = _decode(xmp)
    text = _with_values(text, TIFF, "Orientation", "[2-8]", "1")
    if converted:
        text = _with_values(text, EXIF, "ColorSpace", r"\d+", "1")
        text = _without(text, PHOTOSHOP, "ICCProfile")
    if swapped:
        text = _swapped(text, EXIF, "PixelXDimension", "PixelYDimension")
        text = _swapped(text, TIFF, "ImageWidth", "ImageLength")
    for space, names in UNTRUE:
        text = _without(text, space, names)
    return text.encode(encoding)


def with_format(xmp: bytes, mime: str) -> bytes:
    """XMP whose format, where it says one, is that of the file."""
    text, encoding = _decode(xmp)
    return _with_values(text, DC, "format", r"(?:image|application)/[\w.+-]+", mime).encode(encoding)


def make_both_true(xmp: bytes, extended: bytes, swapped: bool, converted: bool) -> tuple[bytes, bytes]:
    """The same for XMP of two parts, of which the first names the second by its hash."""
    true = make_true(extended, swapped, converted)
    before, after = (hashlib.md5(part).hexdigest().upper().encode() for part in (extended, true))
    named = re.sub(re.escape(before), after, xmp, flags=re.IGNORECASE)
    return make_true(named, swapped, converted), true


def with_provenance(xmp: bytes | None, provenance: Provenance) -> bytes:
    """XMP that says where the colors come from, besides all that it said. Raises ValueError for XMP that is none."""
    block = provenance.description()
    if not xmp or not xmp.strip(b"\0 \t\r\n"):
        return packet(block)
    text, encoding = _decode(xmp)
    text = _without(_without(text, IPTC_EXTENSION, "DigitalSourceType"), GCOLOR, r"[\w.-]+")
    for prefix in _prefixes(text, RDF):
        opened = re.search(rf"<{prefix}:RDF\b[^>]*?/>", text)
        if opened:  # it holds nothing yet
            text = f"{text[: opened.end() - 2]}></{prefix}:RDF>{text[opened.end() :]}"
        ends = text.rfind(f"</{prefix}:RDF")
        if ends >= 0:
            text = f"{text[:ends]}{block}\n{text[ends:]}"
            _check(text)
            return text.encode(encoding)
    raise ValueError("its XMP has no RDF")


def packet(*blocks: str) -> bytes:
    """New XMP of such blocks."""
    inner = "\n  ".join(blocks)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n '
        f'<rdf:RDF xmlns:rdf="{RDF}">\n  {inner}\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def without_padding(xmp: bytes) -> bytes:
    """The same without the room that is left for changes."""
    return re.sub(rb"\s+(?=<\?xpacket end)", b"\n", xmp)


def split(xmp: bytes) -> tuple[bytes, bytes]:
    """XMP that is too large for a JPEG's segment: a small part that names the other, and all of it.

    Where the colors come from stays in the small part, which every reader sees.
    """
    text, _ = _decode(xmp)
    own = re.search(r"<rdf:Description [^>]*xmlns:gcolor=[^>]*/>", text)
    rest = text.replace(own[0], "") if own else text
    body = re.sub(r"<\?xpacket[^>]*\?>", "", rest).strip("\ufeff\0 \t\r\n").encode()
    name = hashlib.md5(body).hexdigest().upper()
    note = f'<rdf:Description rdf:about="" xmlns:xmpNote="{NOTE}" xmpNote:HasExtendedXMP="{name}"/>'
    return packet(*([own[0]] if own else []), note), body


def _decode(xmp: bytes) -> tuple[str, str]:
    """The text, and its encoding; latin-1 keeps the bytes of what has none."""
    for mark, encoding in (
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if xmp.startswith(mark):
            return xmp.decode(encoding, "surrogatepass"), encoding
    try:
        return xmp.decode(), "utf-8"
    except UnicodeDecodeError:
        return xmp.decode("latin-1"), "latin-1"


def _check(text: str) -> None:
    try:
        expat.ParserCreate("utf-8").Parse(text.strip("\ufeff\0 \t\r\n").encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(f"its XMP is no XML ({error})") from error


def _prefixes(text: str, namespace: str) -> Iterable[str]:
    """The names that a namespace goes by, as regular expressions; without a declaration, its usual one."""
    found = re.findall(rf"""xmlns:([\w.-]+)\s*=\s*["']{re.escape(namespace)}["']""", text)
    usual = [USUAL[namespace]] if namespace in USUAL and not found else []
    return [re.escape(prefix) for prefix in dict.fromkeys(found + usual)]


def _values(prefix: str, name: str, value: str) -> str:
    """A pattern of what a property says, be it an attribute or an element: before it, and it."""
    return rf"""(\b{prefix}:{name}(?:\s*=\s*["']|(?:\s[^<>]*)?>)\s*)({value})(?=\s*(?:["']|<))"""


def _with_values(text: str, namespace: str, name: str, value: str, new: str) -> str:
    for prefix in _prefixes(text, namespace):
        text = re.sub(_values(prefix, name, value), rf"\g<1>{new}", text)
    return text


def _swapped(text: str, namespace: str, one: str, other: str) -> str:
    """The text with the numbers of two properties exchanged, where it has both."""
    for prefix in _prefixes(text, namespace):
        found = [re.search(_values(prefix, name, r"\d+"), text) for name in (one, other)]
        if all(found):
            for name, match in zip((one, other), reversed(found), strict=True):
                assert match
                text = re.sub(_values(prefix, name, r"\d+"), rf"\g<1>{match[2]}", text)
    return text


def _without(text: str, namespace: str, names: str) -> str:
    """The text without such properties, be they attributes or elements."""
    for prefix in _prefixes(text, namespace):
        name = rf"{prefix}:(?:{names})"
        text = re.sub(rf"""\s+{name}\s*=\s*(?:"[^"]*"|'[^']*')""", "", text)
        text = re.sub(rf"<({name})(?:\s[^<>]*)?/>", "", text)
        text = re.sub(rf"<({name})(?:\s[^<>]*)?>.*?</\1\s*>", "", text, flags=re.DOTALL)
    return text
