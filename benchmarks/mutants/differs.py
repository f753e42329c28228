"""Whether two files are the same model, asked in more ways than the proof asks.

In: the text of an emitted file and of a mutant of it. Out: the first way in which they differ, in
words; None where there is none. The original is its own reference here: that it is right is what
the rest of the test suite shows. Numbers are compared to 1e-9, in double precision, unless a way
says otherwise.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.verify.forms import logits_by_form

CLOSE = 1e-9
RESETS = 100
SIZES = ((16, 16), (16, 24), (32, 16), (24, 40), (48, 32), (8, 16), (17, 19), (64, 64), (28, 56))
Differences: TypeAlias = Iterator[tuple[str, object, object]]
"""What is asked, and the answers of the original and of the mutant."""
Models: TypeAlias = Sequence[nn.Module]
Way: TypeAlias = Callable[["Pair"], Differences]


class Pair:
    """Models of two files, made the same way and given the same numbers."""

    def __init__(self, one: types.ModuleType, other: types.ModuleType) -> None:
        self.modules = one, other

    def build(self, seed: int = 0, scale: float = 0.5, **options: object) -> list[nn.Module]:
        """Both models in float64 with equal random numbers, in inference."""
        made = [self.made(which, **options) for which in (0, 1)]
        generator = torch.Generator().manual_seed(seed)
        tensors = {}
        for name, tensor in made[0].state_dict().items():
            if tensor.is_floating_point():
                wide = 4 * scale if name.endswith("logit_scale") else scale  # it has a bound
                drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * wide
                tensors[name] = drawn.abs() + 0.5 if name.endswith("running_var") else drawn
        for model in made:
            model.load_state_dict({**model.state_dict(), **tensors})
        return [model.eval() for model in made]

    def made(self, which: int, **options: object) -> nn.Module:
        """One model of the original (0) or of the mutant (1), with its fresh numbers."""
        torch.manual_seed(0)
        module = self.modules[which]
        model: nn.Module = getattr(module, module.BUILDER)(**options)
        return model.double()


def first_difference(one: str, other: str) -> str | None:
    """What tells the two files apart, if anything does."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        pair = Pair(load_text(one, "original.py"), load_text(other, "mutant.py"))
        found = (_apart(way, pair) for way in WAYS)
        return next((told for told in found if told is not None), None)
    finally:
        torch.set_default_dtype(before)


def _apart(way: Way, pair: Pair) -> str | None:
    try:
        for what, mine, theirs in way(pair):
            if not _same(mine, theirs):
                return f"{way.__name__}: {what}: {_told(mine)} and {_told(theirs)}"
    except Exception as error:  # the original does none of this: the mutant cannot be asked
        return f"{way.__name__}: {type(error).__name__}: {error}"
    return None


def _same(mine: object, theirs: object) -> bool:
    if isinstance(mine, Tensor) and isinstance(theirs, Tensor):
        if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
            return False
        if not mine.is_floating_point():
            return torch.equal(mine, theirs)
        gap = (mine - theirs).abs().max() if mine.numel() else torch.zeros(())
        limit = CLOSE if mine.dtype == torch.float64 else 1e-2
        return bool(gap <= limit * mine.abs().max().clamp(min=1e-6)) or torch.equal(mine, theirs)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs))
    return mine == theirs


def _told(value: object) -> str:
    if isinstance(value, Tensor):
        first = ", ".join(f"{number:.4g}" for number in value.flatten()[:3].tolist())
        return f"{tuple(value.shape)} {first} …"
    if isinstance(value, list):
        return f"[{', '.join(map(_told, value))}]"
    return str(value)[:120]


def _called(function: Callable[[], object]) -> object:
    """The result, or the kind of error: two files that refuse alike are alike."""
    try:
        return function()
    except Exception as error:  # a mutant may do anything
        return f"{type(error).__name__}"


def images(count: int, channels: int, size: tuple[int, int], seed: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, *size, generator=generator, dtype=torch.float64)


def own_size(model: nn.Module) -> tuple[int, int]:
    height, width = model.img_size
    return int(height), int(width)


def _both(models: Models, function: Callable[[nn.Module], object]) -> tuple[object, object]:
    one, other = (_called(lambda m=model: function(m)) for model in models)
    return one, other


def surface(pair: Pair) -> Differences:
    """Names, shapes and what users read off a model."""
    models = pair.made(0), pair.made(1)
    shapes = _both(models, lambda m: {n: tuple(t.shape) for n, t in m.state_dict().items()})
    yield "state dict", *shapes
    yield "parameters", *_both(models, lambda m: [n for n, _ in m.named_parameters()])
    for name in ("feature_info", "num_features", "num_classes", "img_size"):
        yield name, *_both(models, lambda m, n=name: getattr(m, n))
    yield "no_weight_decay", *_both(models, lambda m: sorted(m.no_weight_decay()))
    yield "builder", *(str(inspect.signature(getattr(m, m.BUILDER))) for m in pair.modules)
    yield "buffers", *_both(models, lambda m: [b for _, b in m.named_buffers()])


def inference(pair: Pair) -> Differences:
    """Logits with and without gradients, small and large numbers, one image and three."""
    for seed, scale, count in ((1, 0.3, 2), (2, 1.0, 1), (3, 3.0, 3)):
        models = pair.build(seed, scale)
        x = images(count, models[0].in_chans, own_size(models[0]), seed)
        yield f"scale {scale}", *_both(models, lambda m, x=x: m(x))
        with torch.no_grad():
            yield "no gradients", *_both(models, lambda m, x=x: m(x))
        yield "the images afterwards", *_both(models, lambda m, x=x: _after(m, x))


def _after(model: nn.Module, x: Tensor) -> Tensor:
    own = x.clone()
    model(own)
    return own


def parts(pair: Pair) -> Differences:
    """Feature maps and the halves of `forward`, in both modes; an image that is not contiguous."""
    models = pair.build(4)
    x = images(2, models[0].in_chans, own_size(models[0]))
    for training in (False, True):
        for model in models:
            model.train(training)
        for name in ("forward_intermediates", "forward_features"):
            yield name, *_both(models, lambda m, n=name: _seeded(getattr(m, n), x))
        yield "pre_logits", *_both(models, lambda m: _seeded(_pre_logits, m, x))
    wide = x.repeat_interleave(2, 3)[..., ::2]
    yield "a strided image", *_both(models, lambda m: m.eval()(wide))


def _pre_logits(model: nn.Module, x: Tensor) -> object:
    return model.forward_head(model.forward_features(x), pre_logits=True)


def _seeded(function: Callable[..., object], *arguments: object) -> object:
    torch.manual_seed(3)
    return function(*arguments)


def training(pair: Pair) -> Differences:
    """A step: logits, gradients of everything, norm statistics; checkpointed and not."""
    for checkpointed in (False, True):
        models = pair.build(5, drop_path_rate=0.4)
        x = images(4, models[0].in_chans, own_size(models[0]))
        for model in models:
            model.train().set_grad_checkpointing(checkpointed)
        mine, theirs = _both(models, lambda m, x=x: _step(m, x.clone()))
        if not isinstance(mine, dict) or not isinstance(theirs, dict):
            yield "a step", mine, theirs
            continue
        yield from ((what, value, theirs.get(what)) for what, value in mine.items())


def _step(model: nn.Module, x: Tensor) -> dict[str, object]:
    x.requires_grad_()
    torch.manual_seed(11)
    logits = model(x)
    logits.square().sum().backward()
    slopes = {f"gradient of {n}": p.grad for n, p in model.named_parameters()}
    kept = {f"{n} after": t for n, t in model.state_dict().items() if "running" in n}
    return {"logits": logits, "gradient of the image": x.grad, **slopes, **kept}


def other_sizes(pair: Pair) -> Differences:
    """Other maps that the original accepts, of this model and of one that is built for them."""
    models = pair.build(6)
    for size in SIZES:
        built = [_called(lambda w=which, s=size: pair.made(w, img_size=s)) for which in (0, 1)]
        yield f"built for {size}", *(type(one).__name__ for one in built)
        if not all(isinstance(one, nn.Module) for one in built):
            continue
        x = images(1, pair.made(0).in_chans, size)
        yield f"{size}", *_both(models, lambda m, x=x: m(x))
        built = pair.build(6, img_size=size)
        yield f"{size}, built for it", *_both(built, lambda m, x=x: m(x))


def options(pair: Pair) -> Differences:
    """Other classes, channels and rates; a classifier that is reset."""
    models = pair.build(7, num_classes=7, in_chans=1)
    x = images(2, 1, own_size(models[0]))
    yield "7 classes, 1 channel", *_both(models, lambda m: m(x))
    for count in (9, 0):
        models = pair.build(8)
        x = images(2, models[0].in_chans, own_size(models[0]))
        yield f"reset to {count}", *_both(models, lambda m, c=count, x=x: _reset(m, c, x))


def _reset(model: nn.Module, count: int, x: Tensor) -> object:
    model.reset_classifier(count)
    state = [(n, tuple(t.shape)) for n, t in model.state_dict().items()]
    return model.num_classes, tuple(model(x).shape), state


def forms(pair: Pair) -> Differences:
    """What the files do while they are exported or compiled; in float32 and bf16."""
    models = pair.build(9)
    x = images(2, models[0].in_chans, own_size(models[0]))
    yield "forms", *_both(models, lambda m: list(logits_by_form(m, x).values()))
    for dtype in (torch.float32, torch.bfloat16):
        yield str(dtype), *_both(models, lambda m, d=dtype: m.to(d)(x.to(d)))


def start(pair: Pair) -> Differences:
    """Fresh numbers of a new model, and of a spoilt one that is reset: constants and spreads."""
    built = pair.made(0), pair.made(1)
    for name, tensor in built[0].state_dict().items():
        other = built[1].state_dict()[name]
        yield f"fresh {name}", _constant(tensor), _constant(other)
    drawn = [_drawn(model) for model in built]
    for name, values in drawn[0].items():
        yield f"reset {name}", "alike", "alike" if _alike(values, drawn[1][name]) else "another"


def _drawn(model: nn.Module) -> dict[str, Tensor]:
    """Every tensor as it starts, some hundred times."""
    values: dict[str, list[Tensor]] = {}
    for tensor in model.state_dict().values():
        tensor.fill_(7)
    for _ in range(RESETS):
        model.reset_parameters()
        for name, tensor in model.state_dict().items():
            values.setdefault(name, []).append(tensor.double().flatten()[:64].clone())
    return {name: torch.stack(one) for name, one in values.items()}


def _alike(one: Tensor, other: Tensor) -> bool:
    """Two samples of one size: means within five standard errors, spreads and peaks near."""
    wide, count = float(one.std()), one.numel()
    if wide == 0.0 or not bool(other.isfinite().all()):
        return torch.equal(one, other)
    near = abs(float(one.mean() - other.mean())) < 5 * wide * (2 / count) ** 0.5
    same = abs(float(other.std()) / wide - 1) < 10 / count**0.5
    # Of thousands of normal numbers the largest is now and then half as large again.
    peaks = _peak(other) / _peak(one)
    return near and same and 0.7 < peaks < 1.4


def _peak(values: Tensor) -> float:
    return float(values.abs().flatten().quantile(0.999) / values.std())


def _constant(tensor: Tensor) -> float | None:
    value = float(tensor.flatten()[0])
    return value if bool((tensor == value).all()) else None


def halves(pair: Pair) -> Differences:
    """`weights` and `aggregate` of every class that has them, on what comes in."""
    models = pair.build(10)
    entered: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        return lambda _, given: entered.__setitem__(name, given[0].detach())

    for name, module in models[0].named_modules():
        if hasattr(module, "weights"):
            module.register_forward_pre_hook(keep(name))
    models[0](images(2, models[0].in_chans, own_size(models[0])))
    for name, value in entered.items():
        both = [model.get_submodule(name) for model in models]
        yield f"{name}.weights", *_both(both, lambda m, x=value: m.weights(x))
        w = both[0].weights(value)
        yield f"{name}.aggregate", *_both(both, lambda m, w=w, x=value: m.aggregate(w, x))
        yield f"gradient through {name}", *_both(both, lambda m, x=value: _slope(m, x))


def _slope(module: nn.Module, x: Tensor) -> Tensor:
    """Of the two halves one after the other, by what comes in."""
    x = x.clone().requires_grad_()
    y = module.aggregate(module.weights(x), x)
    return torch.autograd.grad(y.square().sum(), x)[0]


WAYS: tuple[Way, ...] = (
    surface,
    inference,
    parts,
    training,
    other_sizes,
    options,
    forms,
    start,
    halves,
)
