"""Types of arguments that click has not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

DEFAULT = "default"


class Place(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A file or a folder, or the URL of a folder."""

    name = "path|url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        return value if isinstance(value, Path) or "://" in value else Path(os.fsdecode(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class Model(click.Path):
    """The folder of a bundle or a run; "default" is the bundle that ships, unless there is such a folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == DEFAULT and not Path(DEFAULT).exists():
            from ..runtime import manifest

            return manifest.DEFAULT
        return super().convert(value, param, ctx)


class Page(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The number of a page, from 1, or all of them."""

    name = "page"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "all" or isinstance(value, int):
            return value
        number = "1" if value == "first" else str(value)
        if not number.isdecimal() or int(number) < 1:
            self.fail(f"{value!r} is no page; give a number from 1, first or all", param, ctx)
        return int(number)
