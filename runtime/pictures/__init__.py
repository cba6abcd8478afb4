"""Picture files: read strictly, written whole or not at all, with what belongs to them."""

from ..formats import MAX_PIXELS, SUFFIXES, find_pictures, output_name
from .colored import is_colored
from .decode.kinds import OtherKindError
from .decode.source import count_pages
from .picture import Notes, Picture
from .read import read_area, read_picture, read_preview, read_size
from .write import save_picture, write_picture

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "Notes",
    "OtherKindError",
    "Picture",
    "count_pages",
    "find_pictures",
    "is_colored",
    "output_name",
    "read_area",
    "read_picture",
    "read_preview",
    "read_size",
    "save_picture",
    "write_picture",
]
