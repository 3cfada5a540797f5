from __future__ import annotations

import sys

from crucible.cli import main

sys.exit(main())
