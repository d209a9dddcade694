"""Scores -> one HTML file that needs nothing else, or Markdown for a pull request."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ketqa.evaluation.figures import (
    LOWER_IS_BETTER,
    TAG_FIGURES,
    Figure,
    measure_tags,
    reliability,
    risk_coverage,
)
from ketqa.evaluation.gold import fingerprint
from ketqa.evaluation.score import Score, matches
from ketqa.evaluation.significance import Difference

Runs = Mapping[str, Sequence[Score]]
Tables = Mapping[str, Mapping[str, Figure]]

INK, LINE = "#6b7690", "#c58a00"


def render_html(runs: Runs, figures: Tables, differences: Sequence[Difference]) -> str:
    """Return a self-contained page of the first run, and its comparison with the others."""
    return _render(
        "report.html", runs, figures, differences, plots=_plots(next(iter(runs.values())))
    )


def render_markdown(runs: Runs, figures: Tables, differences: Sequence[Difference]) -> str:
    """Return the tables alone."""
    return _render("report.md", runs, figures, differences, plots={})


def save_report(file: Path, runs: Runs, figures: Tables, differences: Sequence[Difference]) -> None:
    """Write a report; the file's ending says which form."""
    render = render_markdown if file.suffix == ".md" else render_html
    file.write_text(render(runs, figures, differences), encoding="utf-8")


def show(figure: Figure) -> str:
    """Return a figure with its interval, as text."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    digits = 0 if figure.value > 1 + 1e-9 else 3
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} – {figure.high:.{digits}f})"


def number(value: float | None) -> str:
    """Return a value with three digits, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def cell(text: str) -> str:
    """Return text in one line that a Markdown table holds as it is."""
    return re.sub(r"([\\|*_`<>])", r"\\\1", " ".join(text.split()))


def _render(
    template: str,
    runs: Runs,
    figures: Tables,
    differences: Sequence[Difference],
    plots: dict[str, Markup],
) -> str:
    name, scores = next(iter(runs.items()))
    environment = Environment(
        loader=PackageLoader("ketqa.evaluation"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"show": show, "number": number, "cell": cell}
    return environment.get_template(template).render(
        name=name,
        index=scores[0].answer.index,
        gold=fingerprint([score.gold for score in scores]),
        figures=figures,
        tags=measure_tags(scores),
        tag_figures=TAG_FIGURES,
        lower=LOWER_IS_BETTER,
        differences=differences,
        rows=[_row(score) for score in scores],
        others={run: {s.gold.id: s for s in found} for run, found in runs.items() if run != name},
        by_id={score.gold.id: score for score in scores},
        plots=plots,
    )


def _row(score: Score) -> dict[str, Any]:
    """Return one question with its quotes, and which of them are right."""
    quotes = [
        (item, any(matches(entry.quote, item.quote) for entry in score.gold.gold))
        for item in score.answer.evidence
    ]
    good = score.rank == 1 if score.answerable else not score.answered
    return {"score": score, "quotes": quotes, "good": good}


def _plots(scores: Sequence[Score]) -> dict[str, Markup]:
    return {
        "Risk and coverage": _svg(lambda axes: _draw_risk(axes, scores)),
        "Reliability of the confidence": _svg(lambda axes: _draw_reliability(axes, scores)),
        "quote@3 by tag": _svg(lambda axes: _draw_tags(axes, scores), height=5),
        "Milliseconds to an answer": _svg(lambda axes: _draw_latency(axes, scores)),
    }


def _draw_risk(axes: Axes, scores: Sequence[Score]) -> None:
    coverage, risk = risk_coverage(scores)
    axes.plot(coverage, risk, color=LINE)
    axes.set(xlabel="share answered, surest first", ylabel="share wrong", ylim=(0, 1))


def _draw_reliability(axes: Axes, scores: Sequence[Score]) -> None:
    rows = reliability(scores)
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":")
    axes.scatter(
        [said for said, _, _ in rows],
        [true for _, true, _ in rows],
        s=[8 * count for _, _, count in rows],
        color=LINE,
        alpha=0.7,
    )
    axes.set(xlabel="confidence", ylabel="share answerable", xlim=(0, 1), ylim=(0, 1))


def _draw_tags(axes: Axes, scores: Sequence[Score]) -> None:
    table = measure_tags(scores)
    bars = [(tag, row["quote@3"]) for tag, row in table.items() if row["quote@3"] is not None]
    axes.barh([tag for tag, _ in bars], [value or 0.0 for _, value in bars], color=LINE)
    axes.set(xlim=(0, 1))
    axes.invert_yaxis()


def _draw_latency(axes: Axes, scores: Sequence[Score]) -> None:
    axes.hist([s.answer.timings_ms["total"] for s in scores], bins=20, color=LINE)
    axes.set(xlabel="ms", ylabel="questions")


def _svg(draw: Any, height: float = 3) -> Markup:  # noqa: ANN401, a function of Axes
    """Return a drawing as inline SVG, the same bytes every time."""
    with mpl.rc_context({"svg.hashsalt": "ketqa", "svg.fonttype": "none", "font.size": 9}):
        canvas = Canvas(figsize=(5, height), layout="constrained")
        axes = canvas.subplots()
        draw(axes)
        for spine in axes.spines.values():
            spine.set_color(INK)
        axes.tick_params(colors=INK)
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    return Markup(drawing[drawing.index("<svg") :])  # noqa: S704, drawn right here
