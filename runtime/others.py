"""Files that lie among pictures and are none that gcolor reads: what they are, by ending, and what to do with them."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Other:
    """A kind of file. name: as summaries count it; what: one of them, in words; do: what its owner may do."""

    name: str
    what: str
    do: str
    endings: str

    def sentence(self, ending: str) -> str:
        """Why such a file is not colored."""
        return f"is {self.what} ({ending}), a file of a kind that gcolor does not read; keep it: {self.do}"


COPY = "save a copy as TIFF or PNG"
RAW = Other(
    "RAW",
    "a camera raw file",
    f"pip install 'gcolor[raw]' reads it, or {COPY}",
    ".nef .nrw .cr2 .cr3 .crw .dng .arw .sr2 .srf .orf .rw2 .rwl .raf .pef .srw .raw .3fr .fff .iiq .kdc .dcr .mrw "
    ".erf .mef .mos .x3f .gpr",
)
KINDS = (
    RAW,
    Other(
        "PDF",
        "a PDF document",
        "take its pictures out of it, as `pdfimages -all FILE.pdf NAME` does, and color those",
        ".pdf",
    ),
    Other(
        "video",
        "a video",
        "take its pictures out of it, as `ffmpeg -i FILE NAME%05d.png` does, and color those",
        ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .mts .m2ts .3gp .ogv .flv .vob",
    ),
    Other("zip", "a zip file", "unpack it, and color the folder", ".zip .cbz"),
    Other("archive", "an archive", "unpack it, and color the folder", ".7z .rar .cbr .tar .gz .tgz .bz2 .xz .zst"),
    Other(
        "document",
        "a document",
        "save its pictures apart, and color those",
        ".doc .docx .odt .rtf .ppt .pptx .odp .xls .xlsx .ods .pages .key .epub .html .htm .djvu .xps",
    ),
    Other("drawing", "a drawing", COPY, ".svg .svgz .ai .eps .ps .wmf .emf .cdr .odg .dxf"),
    Other(
        "painting",
        "the file of a painting program",
        COPY,
        ".xcf .kra .ora .psb .clip .sai .mdp .pdn .afphoto .procreate .indd .cpt .pxd",
    ),
    Other(
        "other picture",
        "a picture of another kind",
        COPY,
        ".jxl .jxr .wdp .hdp .exr .hdr .pic .dcm .dicom .fit .fits .fts .ico .cur .icns .pcx .sgi .rgb .ras .sun .pict "
        ".pct .dds .qoi .xpm .xbm .pam .pfm .pcd .fpx .flif .bpg .dpx .cin .mng .jng .wbmp .jbig .jb2 .iff .lbm",
    ),
)
BY_ENDING = {ending: kind for kind in KINDS for ending in kind.endings.split()}
REST = "other file"
# What a system or a camera leaves behind, which nobody means.
CLUTTER = {"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"}


def kind_of(name: str) -> str:
    """What summaries count a file as, "" for what need not be told."""
    kind = BY_ENDING.get(os.path.splitext(name)[1].lower())
    if kind is None:
        return "" if name.rpartition("/")[2].lower() in CLUTTER else REST
    return kind.name


def listed(counts: dict[str, int]) -> str:
    """Such counts in words."""
    order = [*dict.fromkeys(kind.name for kind in KINDS), REST]
    parts = [f"{counts[name]} {_plural(name, counts[name])}" for name in order if counts.get(name)]
    return ", ".join(parts)


def _plural(name: str, count: int) -> str:
    return name if count == 1 or name in ("RAW", "PDF", "zip") else f"{name}s"
