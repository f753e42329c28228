"""The report page: one self-contained HTML file, a function of a `DemoResult` alone.

No script runs, nothing is fetched: styles are inline, pictures are data URIs, and the numbers
travel along in a JSON data block. A strict content security policy holds the page to that.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from relgraph.demo.figures import curves, galleries, samples
from relgraph.demo.html import Html, data_block, tag
from relgraph.demo.result import DemoResult, ModelResult
from relgraph.demo.tables import comparison, facts, proof

_STYLE = Path(__file__).with_name("page.css")


def render_page(result: DemoResult) -> str:
    """The whole page as text."""
    style = _STYLE.read_text("utf-8")
    title = "relgraph demo: " + " and ".join(model.name for model in result.models)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!doctype html>\n{tag('html', head, _body(result), lang='en')}\n"


def _policy(style: str) -> str:
    # The one style element is allowed by its hash, pictures only as data: nothing can be loaded.
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"


def _body(result: DemoResult) -> Html:
    return tag(
        "body",
        *_opening(result),
        tag("h2", "Comparison"),
        comparison(result),
        tag("h2", "Training"),
        curves(result),
        tag("h2", "From spec to code"),
        *_specs(result),
        tag("h2", "Proof"),
        *_proofs(result),
        tag("h2", "What was learned"),
        *galleries(result),
        tag("h2", "Test images and what the models say"),
        samples(result),
        tag("h2", "To repeat this"),
        facts(result.facts),
        data_block("demo-result", result.to_data()),
    )


def _opening(result: DemoResult) -> tuple[Html, ...]:
    training, test = result.images
    scores = ", ".join(
        f"{model.name} ({model.mixer}) {100 * model.accuracy:.2f}%" for model in result.models
    )
    lead = (
        f"On {test:,} test images: {scores}; logistic regression on the same pixels "
        f"{100 * result.baseline.accuracy:.2f}%."
    )
    about = (
        f"The same small backbone twice: once its tokens are mixed by local attention, once by "
        f"depth-wise convolution. Each is a YAML spec, compiled to one readable PyTorch file, "
        f"proved to be what the spec declares, and trained on {training:,} images of "
        f"Fashion-MNIST that ship with the package. The whole run took {_duration(result.seconds)}."
    )
    return (
        tag("h1", "Two specs, one difference: how the neurons are wired"),
        tag("p", lead, class_="lead"),
        tag("p", about, class_="soft"),
    )


def _specs(result: DemoResult) -> tuple[Html, ...]:
    about = (
        "What a person writes, and a class from the file that relgraph makes of it. The whole "
        "file imports torch only and works without relgraph."
    )
    panels = [_spec_panel(model) for model in result.models]
    return tag("p", about, class_="soft"), tag("div", *panels, class_="stack")


def _spec_panel(model: ModelResult) -> Html:
    return tag(
        "div",
        tag("h3", model.name),
        tag("pre", model.spec.strip()),
        tag(
            "p",
            "becomes ",
            tag("a", model.emitted, href=model.emitted),
            ", from which:",
            class_="soft",
        ),
        tag("pre", model.excerpt.strip()),
        class_="panel",
    )


def _proofs(result: DemoResult) -> tuple[Html, ...]:
    checks = sum(len(model.proof) for model in result.models)
    failed = sum(not check.ok for model in result.models for check in model.proof)
    verdict = "all hold" if not failed else f"{failed} of them fail"
    about = (
        f"{checks} properties were measured in the emitted files, in float64, against a reference "
        f"that shares no code with the compiler: {verdict}. Whole models are measured as they "
        f"are, each connection entry by entry on a small map with a small kernel or window."
    )
    return (
        tag("p", about, class_="soft"),
        *(part for model in result.models for part in _proof(model)),
    )


def _proof(model: ModelResult) -> tuple[Html, ...]:
    """The token mixer's checks in sight, all others behind a click unless one fails."""
    own = [check for check in model.proof if check.subject.split(" ")[0] == model.mixer_path]
    others = [check for check in model.proof if check not in own]
    good = all(check.ok for check in others)
    summary = f"{len(others)} checks of the model and its other connections, "
    # Failures must be seen without a click.
    opened = {} if good else {"open": "open"}
    return (
        tag("h3", f"{model.name}: {model.mixer}"),
        proof(own),
        tag(
            "details",
            tag("summary", summary + ("all hold" if good else "some fail")),
            proof(others),
            **opened,
        ),
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
