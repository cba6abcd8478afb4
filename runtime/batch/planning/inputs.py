"""Which pictures a call names, and where their outputs go.

A folder's outputs go into FOLDER_color beside it, those of pictures into the FOLDER_color of their folder; pictures of
the current folder get an output beside them, NAME_color.EXT. With an output, one picture goes into the file or folder
of that name, and all else into the folder, as it lies below the folder that the inputs have in common.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ....color.errors import UsageError
from ...files import show
from ...formats import SUFFIXES, output_name
from ...others import BY_ENDING
from ..places import Place, is_url

Where = Path | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Inputs below one folder whose outputs go into one folder. Names are relative, with forward slashes.

    images: the folder or its URL. folders: those below it, "" being itself, all of whose pictures are meant; files:
    pictures that are named one by one. beside: outputs lie among the pictures, as NAME_color.EXT. file: what the output
    of the only picture is called. named: there are other parts. above: where `images` lies in the folder that all parts
    have in common, with a slash behind.
    """

    images: Where
    output: Where
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    beside: bool = False
    file: str = ""
    named: bool = False
    above: str = ""

    @property
    def among_others(self) -> bool:
        """Whether the outputs lie in a folder that is not theirs alone."""
        return self.beside or bool(self.file)

    def made(self, called: str) -> str:
        """The output's name, of a picture that is called so: as its file, or "a.p2.tif" for the second page."""
        stem, ending = os.path.splitext(called)
        if self.beside:
            return output_name(f"{stem}_color{ending}")
        if self.file:
            own = os.path.splitext(self.files[0])[0]
            name, ending = os.path.splitext(self.file)
            return name + stem.removeprefix(own) + ending
        return output_name(called)

    def within(self, images: Place) -> list[tuple[str, ...]]:
        """The folders that the pictures lie in, as `Place.parts`: those that were named, then those of the files."""
        folders = [*self.folders, *map(os.path.dirname, self.files)]
        return [(*images.parts, *filter(None, folder.split("/"))) for folder in folders]

    def hint_names(self, name: str) -> tuple[str, str]:
        """What a picture's hints may be named after: its place below what all inputs have in common, and below the
        input that brought it."""
        folders = [folder for folder in self.folders if not folder or name.startswith(f"{folder}/")]
        own = name[len(max(folders)) :].lstrip("/") if folders else name.rpartition("/")[2]
        return self.above + name, own


def split(inputs: Where | Sequence[Where], output: Where | None = None) -> list[Part]:
    """The parts of a call. Raises UsageError: what is not there, an output that is no place for these inputs."""
    given = [inputs] if isinstance(inputs, Path | str) else list(dict.fromkeys(inputs))
    for path in given:
        if not is_url(path) and not Path(path).exists():
            raise UsageError(f"{show(path)}: no such file or folder")
    if output is not None and not is_url(output):
        output = Path(output)
    if len(given) == 1:
        return [_one(given[0], output)]
    if output is None:
        return _each_by_itself(given)
    if any(map(is_url, given)):
        raise UsageError("with -o, a URL is the only input; give the others without -o, or each in a call of its own")
    if isinstance(output, Path):
        _refuse_file(output, "several inputs")
    return [_together([Path(path) for path in given], output)]


def default_output(images: Where) -> Where:
    """The sibling folder `imgs_color` of a folder."""
    if is_url(images):
        return f"{str(images).rstrip('/')}_color"
    root = Path(images).resolve()
    return root.with_name(f"{root.name or 'pictures'}_color")


def _one(given: Where, output: Where | None) -> Part:
    if is_url(given) or Path(given).is_dir():
        if isinstance(output, Path):
            _refuse_file(output, "a folder")
        return Part(images=given, output=output or default_output(given), folders=("",))
    path = Path(given)
    part = Part(images=path.parent, output="", files=(path.name,))
    if output is None:
        beside = path.parent.resolve() == Path.cwd()
        return replace(part, beside=beside, output=path.parent if beside else default_output(path.parent))
    if not isinstance(output, Path) or not _is_file_name(output):
        return replace(part, output=output)
    if output.exists() and output.samefile(path):
        raise UsageError(f"{show(output)}: is the picture itself; name another file with -o")
    return replace(part, output=output.parent, file=output.name)


def _is_file_name(output: Path) -> bool:
    """Whether an output for one picture is its file, and no folder."""
    ending = output.suffix.lower()
    if output.is_dir() or not (output.is_file() or ending in SUFFIXES or ending in BY_ENDING):
        return False
    kind = SUFFIXES.get(ending)
    if kind is None or kind.output:
        good = " ".join(sorted(suffix for suffix, kind in SUFFIXES.items() if not kind.output))
        raise UsageError(f"{show(output)}: pictures are not written as {ending or 'files without ending'}; use {good}")
    return True


def _refuse_file(output: Path, what: str) -> None:
    if not output.is_dir() and (output.is_file() or output.suffix.lower() in SUFFIXES):
        raise UsageError(f"{show(output)}: is the name of one picture; for {what}, -o names a folder")


def _together(given: list[Path], output: Where) -> Part:
    """All inputs as one tree below what they have in common."""
    apart = [(_plain(path if path.is_dir() else path.parent), path) for path in given]
    root = _common([folder for folder, _ in apart])
    folders = {_below(root, folder) for folder, path in apart if path.is_dir()}
    files = {_join(_below(root, folder), path.name) for folder, path in apart if not path.is_dir()}
    here = Path(os.path.relpath(root)) if not any(path.is_absolute() for path in given) else root
    return _without_doubles(Part(images=here, output=output, folders=tuple(folders), files=tuple(files)))


def _each_by_itself(given: list[Where]) -> list[Part]:
    """Inputs grouped by the folder that their outputs go into by default."""
    files: dict[Path, list[str]] = {}  # by their folder: a shell may name very many
    alone: list[Part] = []
    for one in given:
        if is_url(one) or Path(one).is_dir():
            alone.append(_one(one, None))
        else:
            files.setdefault(Path(one).parent, []).append(Path(one).name)
    singles = [replace(_one(folder / names[0], None), files=tuple(names)) for folder, names in files.items()]
    parts: dict[object, list[Part]] = {}
    for part in (*singles, *alone):
        key = part.images if is_url(part.images) else Path(part.images).resolve()
        parts.setdefault((key, part.beside), []).append(part)
    found = [_without_doubles(_merged(same)) for same in parts.values()]
    if len(found) == 1:
        return found
    here = [_plain(Path(part.images)) for part in found if not is_url(part.images)]
    root = _common(here) if len(here) == len(found) else None
    above = [_below(root, folder) for folder in here] if root else [""] * len(found)
    return [
        replace(part, named=True, above=f"{name}/" if name else "") for part, name in zip(found, above, strict=True)
    ]


def _merged(parts: list[Part]) -> Part:
    folders, files = ({name for part in parts for name in getattr(part, what)} for what in ("folders", "files"))
    return replace(parts[0], folders=tuple(folders), files=tuple(files))


def _without_doubles(part: Part) -> Part:
    """Without what lies in a folder that is named, too."""

    def is_covered(name: str) -> bool:
        return any(name != folder and (not folder or name.startswith(f"{folder}/")) for folder in part.folders)

    folders = sorted(folder for folder in part.folders if not is_covered(folder))
    files = sorted(file for file in part.files if not is_covered(file))
    return replace(part, folders=tuple(folders), files=tuple(files))


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  # links stay as they were named


def _common(folders: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath(folders))
    except ValueError as error:
        raise UsageError(f"the inputs have no folder in common ({error}); give each in a call of its own") from error


def _below(root: Path, folder: Path) -> str:
    name = folder.relative_to(root).as_posix()
    return "" if name == "." else name


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
