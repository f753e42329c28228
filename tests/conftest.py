"""All tests: torch computes on one thread, in this process and in those that tests start. Several
processes of pytest share the cores, and bits depend on the number of threads."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported
