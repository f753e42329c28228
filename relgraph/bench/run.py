"""One measurement after the other: cases from a program, forms interleaved, ratios to the first."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from relgraph.algebra.cost import macs
from relgraph.assemble.walking import nodes
from relgraph.bench.forms import example, forms
from relgraph.bench.memory import extra_megabytes
from relgraph.bench.request import SLOW, Benched, BenchRequest, Case, Measured, What
from relgraph.bench.timing import interleaved, seconds
from relgraph.errors import Problem, RelgraphError
from relgraph.lower import candidates
from relgraph.pipeline import compile_backbone
from relgraph.program import Connect, Program
from relgraph.tuned import Choice, Tuned, key_of

WHATS: tuple[What, ...] = ("forward", "training step")
# Forward, and its two halves backward.
PRODUCTS = {"forward": 1, "training step": 3}
SIDE, TURNS = 1024, 24


def run_bench(request: BenchRequest) -> Benched:
    """See `relgraph.bench.bench`."""
    device = _device(request.device)
    compiled = compile_backbone(request.backbone)
    found = cases(compiled.program)
    rate = matmul_rate(device)
    made = []
    for number, (paths, node) in enumerate(found):
        request.progress(f"{node.name} at {paths[0]}", number, len(found))
        made.append(_case(node, paths, request, device, rate))
    request.progress("done", len(found), len(found))
    return Benched(
        backbone=compiled.name,
        machine=machine(device, request.compiled),
        batch=request.batch,
        matmul_rate=rate,
        cases=tuple(made),
    )


def cases(program: Program) -> list[tuple[tuple[str, ...], Connect]]:
    """The distinct connections that have several forms, with the paths where they stand."""
    found: dict[str, tuple[list[str], Connect]] = {}
    for path, node in nodes(program):
        if isinstance(node, Connect) and len(candidates(node)) > 1:
            found.setdefault(key_of(node), ([], node))[0].append(path)
    return [(tuple(paths), node) for paths, node in found.values()]


def chosen(benched: Benched, what: What) -> Tuned:
    """The fastest form of each case, where it is not the table's own."""
    choices = []
    for case in benched.cases:
        first, *others = case.of(what)
        best = min(others, key=lambda one: one.ratio)
        if best.ratio < 1:
            choice = Choice(
                key=case.key,
                form=best.form,
                instead_of=first.form,
                ratio=round(best.ratio, 3),
                where=case.where,
            )
            choices.append(choice)
    return Tuned(
        backbone=benched.backbone,
        measured=f"{what} of {benched.batch} images",
        machine=benched.machine,
        choices=tuple(choices),
    )


def machine(device: torch.device, compiled: bool) -> str:
    """What computed, in one line."""
    if device.type == "cuda":
        where = torch.cuda.get_device_name(device)
    else:
        where = f"CPU {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    return f"{where}, torch {torch.__version__}, {'compiled' if compiled else 'eager'}"


def matmul_rate(device: torch.device) -> float:
    """Multiply-adds per second of a large float32 matrix product, the best of some."""
    a, b = torch.randn(SIDE, SIDE, device=device), torch.randn(SIDE, SIDE, device=device)
    run = partial(_synchronised, lambda: a @ b, device)
    run()
    return SIDE**3 / min(seconds(run) for _ in range(TURNS))


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise RelgraphError(Problem("no-device", "torch finds no GPU here", "--device cpu"))
    return torch.device(name)


def _case(
    node: Connect,
    paths: tuple[str, ...],
    request: BenchRequest,
    device: torch.device,
    rate: float,
) -> Case:
    modules = forms(node, request.batch, device)
    x = example(node.input, request.batch, device)
    count = macs(node.connection)
    measured: list[Measured] = []
    for what in WHATS:
        runs = {name: _run(module, x, what, request, device) for name, module in modules.items()}
        times = _times(runs, request.rounds)
        for name, own in times.items():
            products = PRODUCTS[what] * count * request.batch
            measured.append(
                Measured(
                    form=name,
                    what=what,
                    seconds=tuple(own),
                    ratio=_ratio(own, next(iter(times.values()))),
                    megabytes=extra_megabytes(runs[name], device),
                    rate=products / statistics.median(own) / rate,
                )
            )
    grid = node.input.grid or (1, 1)
    return Case(
        name=node.name,
        key=key_of(node),
        where=paths,
        channels=node.input.channels,
        grid=grid,
        macs=count,
        measured=tuple(measured),
    )


def _times(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Interleaved times; of a form that is hopeless on its first run, that one."""
    first: dict[str, list[float]] = {}
    for name, run in runs.items():
        run()  # compiles, allocates
        first[name] = [seconds(run)]
    best = min(times[0] for times in first.values())
    going = {name: run for name, run in runs.items() if first[name][0] < SLOW * best}
    return {**first, **interleaved(going, rounds)}


def _ratio(own: list[float], base: list[float]) -> float:
    """The median of ratios within a round; of medians where the rounds are not the same."""
    if len(own) != len(base):
        return statistics.median(own) / statistics.median(base)
    return statistics.median(a / b for a, b in zip(own, base, strict=True))


def _run(
    module: nn.Module, x: Tensor, what: What, request: BenchRequest, device: torch.device
) -> Callable[[], object]:
    called = torch.compile(module) if request.compiled else module
    if what == "forward":
        return partial(_synchronised, partial(_forward, called, x), device)
    own = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    return partial(_synchronised, partial(_step, called, own), device)


def _forward(module: Callable[[Tensor], Tensor], x: Tensor) -> None:
    with torch.no_grad():
        module(x)


def _step(module: Callable[[Tensor], Tensor], x: Tensor) -> None:
    x.grad = None
    module(x).sum().backward()


def _synchronised(run: Callable[[], object], device: torch.device) -> None:
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
