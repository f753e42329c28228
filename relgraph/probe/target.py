"""Finding the module that is to be probed. This runs the user's own code.

In: a word: `package.module:attribute`, `path/to/file.py:Class`, or `timm:MODEL#layer`, and
arguments of the constructor. Out: a `Target`: the module, and for a layer of a timm model the shape
and the further arguments that the model calls it with. Every way this fails is a RelgraphError.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from relgraph.errors import Problem, RelgraphError, nearest

FORMS = "package.module:attribute, path/to/file.py:Class, or timm:MODEL#layer"


@dataclass(frozen=True, eq=False)
class Target:
    """A module by its word. `shape` is what it is called with (batch first), `extra` and `named`
    the further arguments, where they are known."""

    word: str
    module: nn.Module
    shape: tuple[int, ...] | None = None
    extra: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


def find(word: str, arguments: Any = None, watch: bool = True) -> Target:
    """The module of this name, made with `arguments` (a mapping, a list, or nothing). `watch` asks
    a timm model how it calls the layer. Raises RelgraphError."""
    if word.startswith("timm:"):
        return _of_timm(word, arguments, watch)
    place, colon, attribute = word.rpartition(":")
    if not colon or not attribute:
        raise _refused("no-module", f"{word!r} names no module", FORMS)
    home = _file(Path(place)) if place.endswith(".py") else _package(place)
    return Target(word, _made(_attribute(home, attribute, word), arguments, word))


def _package(name: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules of the current folder, as `python -m` finds them
    return _guarded(lambda: importlib.import_module(name), "no-module", f"import {name}")


def _file(path: Path) -> Any:
    if not path.is_file():
        raise _refused("no-module", f"there is no file {path}", FORMS)

    def load() -> Any:
        spec = importlib.util.spec_from_file_location(f"probed_{path.stem}", path)
        assert spec is not None and spec.loader is not None, "a .py file has a loader"
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return _guarded(load, "no-module", f"run {path}")


def _attribute(home: Any, name: str, word: str) -> Any:
    for part in name.split("."):
        if not hasattr(home, part):
            known = [one for one in vars(home) if not one.startswith("_")]
            found = f"{word.rpartition(':')[0]} has no {part}"
            raise _refused("no-attribute", found, "a class, a function or a module", known, part)
        home = getattr(home, part)
    return home


def _made(found: Any, arguments: Any, word: str) -> nn.Module:
    if isinstance(found, nn.Module):
        if arguments:
            raise _refused("no-arguments", f"{word} is made already", "no --args for a module")
        return found
    if not callable(found):
        raise _refused("no-module", f"{word} is a {type(found).__name__}", "a torch.nn.Module")
    made = _guarded(lambda: _called(found, arguments), "cannot-build", f"make {word}")
    if not isinstance(made, nn.Module):
        raise _refused("no-module", f"{word} makes a {type(made).__name__}", "a torch.nn.Module")
    return made


def _called(function: Callable[..., Any], arguments: Any) -> Any:
    if isinstance(arguments, Mapping):
        return function(**arguments)
    return function(*(arguments or ()))


def _of_timm(word: str, arguments: Any, watch: bool) -> Target:
    name, _, path = word.removeprefix("timm:").partition("#")
    timm = _guarded(lambda: importlib.import_module("timm"), "no-timm", "import timm")
    if name not in timm.list_models():
        raise _refused(
            "no-module",
            f"timm has no model {name}",
            "one of timm.list_models()",
            timm.list_models(),
            name,
        )
    given = dict(arguments or {})
    made = _guarded(lambda: timm.create_model(name, **given), "cannot-build", f"make {word}")
    model: nn.Module = made.eval()
    layers = dict(model.named_modules())
    if path not in layers:
        raise _refused(
            "no-attribute", f"{name} has no layer {path}", "one of its modules", layers, path
        )
    layer = layers[path]
    shape = _image_shape(model, given)
    if layer is model or not watch:
        return Target(word, layer, shape if layer is model else None)
    return _watched(word, model, layer, shape)


def _image_shape(model: nn.Module, given: Mapping[str, Any]) -> tuple[int, ...]:
    config = getattr(model, "default_cfg", {}) or {}
    channels, height, width = config.get("input_size", (3, 224, 224))
    size = given.get("img_size")
    if size is not None:
        height, width = size if isinstance(size, list | tuple) else (size, size)
    return 1, channels, height, width


def _watched(word: str, model: nn.Module, layer: nn.Module, shape: tuple[int, ...]) -> Target:
    """The layer with what the model calls it with."""
    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def look(_: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append((args, named))

    handle = layer.register_forward_pre_hook(look, with_kwargs=True)

    def call() -> None:
        with torch.no_grad():
            model(torch.zeros(shape))

    try:
        _guarded(call, "wrong-input", f"run {word.partition('#')[0]} on an image")
    finally:
        handle.remove()
    if not seen or not seen[0][0] or not isinstance(seen[0][0][0], Tensor):
        raise _refused(
            "no-call",
            f"{word} is never called with a tensor",
            "a layer that is called",
            hint="tell --shape and --call",
        )
    (x, *extra), named = seen[0]
    return Target(
        word,
        layer,
        (1, *x.shape[1:]),
        tuple(map(_double, extra)),
        tuple((key, _double(value)) for key, value in named.items()),
    )


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _guarded(function: Callable[[], Any], code: str, what: str) -> Any:
    try:
        return function()
    except Exception as error:  # the user's code: anything may come out of it
        text = str(error).strip().splitlines()
        found = f"cannot {what}: {type(error).__name__}" + (f": {text[0][:200]}" if text else "")
        expected = "arguments that suit it (--args)" if code == "cannot-build" else FORMS
        raise _refused(code, found, expected) from error


def _refused(
    code: str, found: str, expected: str, known: Any = (), word: str = "", hint: str = ""
) -> RelgraphError:
    return RelgraphError(
        Problem(code, found, expected, hint or (nearest(word, known) * bool(word)))
    )
