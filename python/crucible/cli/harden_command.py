"""The command that attacks the environment itself."""

from __future__ import annotations

import argparse
import json

from crucible.cli import console
from crucible.cli.console import out
from crucible.cli.inspect_commands import evaluator_arguments
from crucible.evaluator import Evaluator
from crucible.hardening.campaign import Campaign
from crucible.hardening.trial import Outcome


def harden(options: argparse.Namespace) -> int:
    """Exit status 1 when anything got through."""
    campaign = Campaign(options.task)

    def tell(outcome: Outcome) -> None:
        if not options.json:
            out.print(outcome.line, markup=False, highlight=False)

    arguments = {**evaluator_arguments(options), "write_records": False, "time_budget_seconds": options.budget}
    with Evaluator(**arguments) as evaluator:
        campaign.run(evaluator, options.attacks, options.seed, tell)
    if options.json:
        console.print_json(json.loads(campaign.to_json()))
    else:
        out.print(campaign.summary(), markup=False, highlight=False)
    return 1 if campaign.got_through else 0
