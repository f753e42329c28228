"""`python -m relgraph`: the command line without its script."""

from __future__ import annotations

from relgraph.cli import main

if __name__ == "__main__":
    main()
