"""The `gcolor` command: its subcommands, its configuration file, its exit codes."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from ..color.errors import GcolorError, StorageError, UsageError
from ..version import __version__
from . import streams

COMMANDS = {
    "batch": "batch",
    "bench": "bench",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "export": "export",
    "hints": "hints",
    "prepare": "prepare",
    "studio": "studio",
    "train": "train",
}

# As a shell counts a process that wrote to a pipe that nobody reads (128 + SIGPIPE).
NOBODY_READS = 141
# A disk that is full, a quota that is, a file that may not grow.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LazyGroup(click.Group):
    """Imports a command's module only when it is named (or listed), so that starting stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".commands.{COMMANDS[cmd_name]}", __package__)
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # which click itself would end with 1
            streams.drop_output()
            return NOBODY_READS


def _read_config(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    import tomllib  # not above: starting stays quick

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be used as configuration ({error})") from error
    group = ctx.command
    assert isinstance(group, click.Group)
    for name, table in tables.items():
        command = group.get_command(ctx, name)
        if command is None or not isinstance(table, dict):
            raise UsageError(f"{path}: [{name}] is not a command's table; tables are named after commands")
        parameters = {option.lstrip("-"): p.name for p in command.params for option in p.opts}
        unknown = [key for key in table if key.replace("_", "-") not in parameters]
        if unknown:
            raise UsageError(f"{path}: unknown key {unknown[0]!r} in [{name}]; keys are named after the options")
        empty = [key for key, value in table.items() if value == ""]
        if empty:
            raise UsageError(f"{path}: {empty[0]} in [{name}] is empty; give it a value, or leave it out")
        tables[name] = {parameters[key.replace("_", "-")]: value for key, value in table.items()}
    ctx.default_map = tables


@click.group(
    cls=LazyGroup,
    context_settings={"auto_envvar_prefix": "GCOLOR", "help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="gcolor")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_read_config,
    expose_value=False,
    is_eager=True,
    help="TOML file with a table per command, such as [batch]. Options and GCOLOR_* variables come first.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an unexpected error.")
def command(verbose: bool) -> None:
    """Color black-and-white photographs, guided by a few notes on what was which color."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point; ends the process with the documented exit code."""
    streams.make_safe()
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except OSError:
        streams.drop_output()
        code = code or NOBODY_READS
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; what is wrong is said on stderr."""
    try:
        _refuse_empty(arguments)
        result: Any = command.main(arguments, prog_name="gcolor", standalone_mode=False, obj=list(arguments))
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        if stop.code != 1:
            raise
        streams.drop_output()  # click's own end where nobody reads its help
        return NOBODY_READS
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GcolorError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except OSError as error:
        if error.errno not in _FULL:
            return _unexpected(error, arguments)
        from ..runtime.files import show

        where = f"{show(error.filename)}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror}; make room, then run it again", err=True)
        return StorageError.exit_code
    except Exception as error:  # the last line of defence: say it, keep the traceback for those who ask
        return _unexpected(error, arguments)


def _refuse_empty(arguments: list[str]) -> None:
    """Raise UsageError for an argument without a character in it: a path that is "" would be the current folder."""
    for number, argument in enumerate(arguments):
        option = argument.startswith("--") and argument.endswith("=") and argument.count("=") == 1
        if argument == "" or option:
            before = arguments[number - 1] if number and not option else ""
            where = argument[:-1] if option else before if before.startswith("-") else f"argument {number + 1}"
            raise UsageError(f"{where}: is empty; give it a value, or leave it out (a variable without one, perhaps)")


def _unexpected(error: Exception, arguments: list[str]) -> int:
    if "-v" in arguments or "--verbose" in arguments:
        traceback.print_exception(error)
    text = " ".join(str(error).split())
    click.echo(f"error: unexpected {type(error).__name__}: {text}; run `gcolor -v …` for the traceback", err=True)
    return 1
