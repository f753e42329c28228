"""The page's tables: models compared, properties proved, facts for repeating the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relgraph.demo.html import Html, tag
from relgraph.demo.result import Baseline, DemoResult, ModelResult
from relgraph.verify.report import Check

_COLUMNS = (
    "model",
    "mixes tokens by",
    "parameters",
    "MACs per image",
    "training, images/s",
    "inference, images/s",
    "training time",
    "test accuracy",
)


def comparison(result: DemoResult) -> Html:
    """One row for each model, best first, and one for the baseline; the best accuracy is bold."""
    ranked = sorted(enumerate(result.models), key=lambda pair: -pair[1].accuracy)
    best = max(result.baseline.accuracy, *(model.accuracy for model in result.models))
    rows = [_model_row(model, index, best) for index, model in ranked]
    rows.append(_baseline_row(result.baseline, best))
    return tag("table", _header(_COLUMNS, numbers_from=2), tag("tbody", *rows))


def proof(checks: Iterable[Check]) -> Html:
    """Declared beside measured, one row for each check."""
    rows = [_check_row(check) for check in checks]
    header = _header(("", "subject", "property", "declared", "measured"))
    return tag("table", header, tag("tbody", *rows))


def facts(pairs: Sequence[tuple[str, str]]) -> Html:
    """Names and values, one row each."""
    rows = [tag("tr", tag("td", name), tag("td", tag("code", value))) for name, value in pairs]
    return tag("table", tag("tbody", *rows))


def _header(names: Sequence[str], numbers_from: int | None = None) -> Html:
    start = len(names) if numbers_from is None else numbers_from
    cells = [
        tag("th", name, scope="col", class_="number" if index >= start else None)
        for index, name in enumerate(names)
    ]
    return tag("thead", tag("tr", *cells))


def _model_row(model: ModelResult, index: int, best: float) -> Html:
    name = tag(
        "td",
        tag("span", class_=f"swatch swatch-{index}"),
        tag("a", model.name, href=model.run),
        class_="name",
    )
    return tag(
        "tr",
        name,
        tag("td", model.mixer),
        _number(f"{model.parameters:,}"),
        _number(_millions(model.macs)),
        _number(f"{model.training_rate:,.0f}"),
        _number(f"{model.inference_rate:,.0f}"),
        _number(f"{model.seconds:,.0f} s"),
        _accuracy(model.accuracy, best),
    )


def _baseline_row(baseline: Baseline, best: float) -> Html:
    return tag(
        "tr",
        tag("td", tag("span", class_="swatch swatch-reference"), baseline.name, class_="name"),
        tag("td", "nothing: every pixel has its own weight"),
        _number(f"{baseline.parameters:,}"),
        _number(_millions(baseline.macs)),
        _number("–"),
        _number("–"),
        _number(f"{baseline.seconds:,.0f} s"),
        _accuracy(baseline.accuracy, best),
    )


def _check_row(check: Check) -> Html:
    mark = tag("td", "holds", class_="good") if check.ok else tag("td", "fails", class_="bad")
    subject = check.subject + (f" (and {check.covers - 1} like it)" if check.covers > 1 else "")
    measured: tuple[str, ...] = (check.measured,)
    if check.counter_example:
        measured = (check.measured, tag("br"), tag("span", check.counter_example, class_="bad"))
    return tag(
        "tr",
        mark,
        tag("td", tag("code", subject)),
        tag("td", check.name),
        tag("td", check.declared, class_="small"),
        tag("td", *measured, class_="small"),
    )


def _number(text: str) -> Html:
    return tag("td", text, class_="number")


def _accuracy(value: float, best: float) -> Html:
    return tag("td", f"{100 * value:.2f}%", class_="number best" if value == best else "number")


def _millions(macs: int) -> str:
    return f"{macs / 1e6:.1f} M" if macs >= 50_000 else f"{macs / 1e6:.3f} M"
