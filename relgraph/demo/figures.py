"""The page's pictures: curves, learned weights, test images with the models' answers."""

from __future__ import annotations

from relgraph.demo.charts import Chart, Reference, Series, line_chart
from relgraph.demo.html import Html, tag
from relgraph.demo.png import grey_uri, picture_uri
from relgraph.demo.result import DemoResult, Gallery, Picture, Sample


def curves(result: DemoResult) -> Html:
    """Test accuracy and losses over the epochs, the baseline as a dashed line."""
    accuracy = Chart(
        "Test accuracy by epoch",
        "epoch",
        _series(result, "accuracy"),
        Reference("linear", result.baseline.accuracy),
        percent=True,
    )
    loss = Chart("Training loss by epoch", "epoch", _series(result, "train_loss"))
    by_time = Chart(
        "Test accuracy by training time",
        "seconds",
        tuple(
            Series(model.name, tuple((e.seconds, e.accuracy) for e in model.epochs), index)
            for index, model in enumerate(result.models)
        ),
        Reference("linear", result.baseline.accuracy),
        percent=True,
    )
    test_loss = Chart("Test loss by epoch", "epoch", _series(result, "test_loss"))
    charts = (accuracy, by_time, loss, test_loss)
    return tag("div", *(_chart_panel(chart) for chart in charts), class_="pair")


def galleries(result: DemoResult) -> tuple[Html, ...]:
    """Every model's pictures of learned weights."""
    return tuple(
        tag("div", *_gallery(gallery)) for model in result.models for gallery in model.galleries
    )


def samples(result: DemoResult) -> Html:
    """Test images, their class and each model's most probable class."""
    return tag("div", *(_sample(sample) for sample in result.samples), class_="samples")


def _series(result: DemoResult, name: str) -> tuple[Series, ...]:
    return tuple(
        Series(model.name, tuple((e.epoch, getattr(e, name)) for e in model.epochs), index)
        for index, model in enumerate(result.models)
    )


def _chart_panel(chart: Chart) -> Html:
    return tag("div", tag("h3", chart.title), line_chart(chart), class_="panel")


def _gallery(gallery: Gallery) -> tuple[Html, ...]:
    return (
        tag("h3", gallery.title),
        tag("p", gallery.about, class_="soft"),
        tag("div", *(_figure(picture) for picture in gallery.pictures), class_="pictures"),
    )


def _figure(picture: Picture) -> Html:
    height, width = len(picture.table), len(picture.table[0])
    # An SVG around the pixels: a frame can mark a place without hiding its value.
    size = {"width": width, "height": height}
    parts = [tag("title", picture.caption), tag("image", href=picture_uri(picture), **size)]
    for row, column in picture.marked:
        parts.append(tag("rect", x=column, y=row, width=1, height=1, class_="marked"))
    drawing = tag("svg", *parts, viewBox=f"0 0 {width} {height}", role="img")
    return tag("figure", drawing, tag("figcaption", picture.caption))


def _sample(sample: Sample) -> Html:
    image = tag("img", src=grey_uri(sample.image), alt=sample.label, width=28, height=28)
    lines = [tag("figcaption", sample.label, class_="truth")]
    for guess in sample.guesses:
        right = guess.label == sample.label
        mark = "" if right else "not "
        style = "good" if right else "bad"
        text = f"{guess.model}: {guess.label}, {100 * guess.probability:.0f}%"
        title = f"{guess.model} is {mark}right"
        lines.append(tag("figcaption", tag("span", text, class_=style, title=title)))
    return tag("figure", image, *lines)
