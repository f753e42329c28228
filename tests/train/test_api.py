"""The functions of `relgraph.train` stay functions: no module beside them has their name."""

from __future__ import annotations

import pkgutil

from relgraph import train


def test_no_submodule_hides_a_public_name() -> None:
    # Importing relgraph.train.NAME would set the attribute NAME of the package to the module.
    modules = {module.name for module in pkgutil.iter_modules(train.__path__)}
    assert not modules & set(train.__all__)
