"""The page without a server: a folder that any web host serves, with the bundle and ONNX Runtime for the web in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..color.errors import UsageError
from ..runtime.bundle import load_bundle
from ..runtime.files import replace_file, show
from ..runtime.manifest import MODEL, PAINT

PAGE = Path(__file__).parent / "page"
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SERVER, BROWSER = '<meta name="gcolor-engine" content="server">', '<meta name="gcolor-engine" content="browser">'
# As the server's own, in the page, since the host may send none.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def write_static(folder: Path, bundle: Path | None = None) -> None:
    """Write the page into a folder that is empty, new, or one that this wrote before.

    Raises BundleError, and UsageError where the folder holds something else or cannot be written, or ONNX Runtime for
    the web is not there: a checkout gets it by `make page`, the wheel has it.
    """
    missing = [name for name in RUNTIME if not (PAGE / "ort" / name).is_file()]
    if missing:
        raise UsageError(
            "onnxruntime-web is not in this checkout; `make page` brings it (it needs npm), the wheel has it"
        )
    loaded = load_bundle(bundle)
    index = folder / "index.html"
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _is_ours(index))):
        raise UsageError(f"{show(folder)}: holds other files; choose a new folder for the page")
    try:
        for name in ("ort", "bundle"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for path in sorted(PAGE.iterdir()):
            if path.is_file() and path.name != index.name:
                shutil.copyfile(path, folder / path.name)
        for name in RUNTIME:
            shutil.copyfile(PAGE / "ort" / name, folder / "ort" / name)
        for name, data in ((MODEL, loaded.model), (PAINT, loaded.paint)):
            (folder / "bundle" / name).write_bytes(data)
        policy = f'<meta http-equiv="content-security-policy" content="{POLICY}">'
        page = (PAGE / index.name).read_text(encoding="utf-8").replace(SERVER, f"{BROWSER}\n{policy}")
        replace_file(index, lambda path: path.write_text(page, encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{show(folder)}: cannot be written ({error.strerror})") from error


def _is_ours(index: Path) -> bool:
    try:
        return BROWSER in index.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
