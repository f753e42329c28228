"""relgraph: vision operators as points of one algebra, compiled to readable PyTorch."""

__version__ = "0.1.0"
