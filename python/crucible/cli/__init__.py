"""The `crucible` command."""

from __future__ import annotations

from crucible.cli.parser import main

__all__ = ["main"]
