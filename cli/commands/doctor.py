"""gcolor doctor: what is installed, what runs here, and what to install for the rest."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Any

import click

LABEL = 9
NARROW, WIDE = 40, 120


@click.command("doctor", short_help="Say what is installed and which engines run here.")
@click.option("-v", "--verbose", is_flag=True, help="A table of all parts, with versions.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(verbose: bool, as_json: bool) -> int:
    """Say what runs here, what is missing, and the command that mends it. Ends with 6 where no engine runs."""
    from ...runtime.doctor import examine

    report = examine()
    if as_json:
        click.echo(json.dumps(report, indent=2))
    elif verbose:
        _show_table(report)
    else:
        _show(report)
    return 0 if report["usable"] else 6


def _show(report: dict[str, Any]) -> None:
    lines = {
        "gcolor": f"{report['gcolor']}, {'works here' if report['usable'] else 'cannot color here'} (-v: every part)",
        "machine": report["machine"],
        "runs": ", ".join(report["runs"]) or "no engine",
        "missing": ", ".join(report["missing"]) or "nothing",
        "to do": report["do"] or "nothing",
    }
    width = min(WIDE, max(NARROW, shutil.get_terminal_size().columns))
    for label, text in lines.items():
        first = label.ljust(LABEL)
        # A command that is broken at a hyphen or an extra's name cannot be copied.
        wrapped = textwrap.wrap(
            text, width - LABEL, break_on_hyphens=False, break_long_words=False, drop_whitespace=True
        )
        click.echo(first + ("\n" + " " * LABEL).join(wrapped))


def _show_table(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"gcolor {report['gcolor']}", show_lines=False)
    for title in ("part", "state", "what to do"):
        table.add_column(title, overflow="fold")
    for row in report["parts"]:
        table.add_row(*(Text(row[name]) for name in ("part", "state", "do")))  # 'gcolor[cpu]' would be markup
    Console().print(table)
