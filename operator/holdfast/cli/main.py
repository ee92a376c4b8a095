"""The command `holdfast`."""

from __future__ import annotations

import click

from holdfast import __version__

from .backtest import backtest
from .explain import explain
from .lift import lift, resume
from .run import run
from .undo import undo
from .validate import validate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Ship fast; hold when the budget is gone.

    Holdfast measures the error budgets of ServiceLevelObjectives exactly, and does what ErrorBudgetPolicies say when
    one is threatened: it notifies, or holds the releases that would spend more of it.
    """


for command in (run, validate, backtest, explain, undo, lift, resume):
    main.add_command(command)
