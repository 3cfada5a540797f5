"""Attacks on the environment itself, by hand (tests/hostile) and by composition, and what each was paid."""

from __future__ import annotations

from crucible.hardening.campaign import Campaign, compose
from crucible.hardening.programs import Attack, expand, load_attacks
from crucible.hardening.residue import Residue
from crucible.hardening.trial import Outcome, Trial

__all__ = ["Attack", "Campaign", "Outcome", "Residue", "Trial", "compose", "expand", "load_attacks"]
