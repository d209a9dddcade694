"""The chat of the page, in Gradio. It asks a desk and shows escaped HTML, nothing else."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from ketqa.web.desk import Desk
from ketqa.web.html import render
from ketqa.web.turns import Turn, read_address
from ketqa.web.words import Words

FONTS = ("system-ui", "DejaVu Sans", "sans-serif")
# Long enough for any question that is accepted; the page tells longer ones why not.
MAX_TYPED = 20_000
# Answers being written at once: more would only take each other's cores.
AT_ONCE = 4
# Those who wait for their turn, a few seconds in all; whoever comes then is told that it is busy.
MOST_WAITING = 100
# Sessions that Gradio remembers, with the last answer of each; the browser has the whole chat and
# sends it along, so that a forgotten one goes on as before.
MOST_SESSIONS = 100
# What the browser's address says is the chat so far.
ADDRESS = "() => [location.search]"
BEFORE = "(question, typed, chat) => [question, typed, chat, window.ketqa.before()]"

Messages = list[dict[str, Any]]


def theme() -> gr.themes.Base:
    """Return a theme whose fonts are on every machine; page.css does the rest."""
    return gr.themes.Base(neutral_hue="stone", font=FONTS, font_mono=("monospace",))


def build_page(desk: Desk) -> gr.Blocks:
    """Return the chat of a desk."""
    words = desk.words
    page: gr.Blocks
    with gr.Blocks(title=words("title"), analytics_enabled=False) as page:
        chat = gr.Chatbot(
            label=words("chat"),
            show_label=False,
            container=False,
            height=None,
            min_height=0,
            buttons=[],
            feedback_options=None,
            layout="panel",
            autoscroll=False,
            elem_id="chat",
        )
        box, as_typed, send, halt = _asking(words)
        before = gr.Textbox(visible=False)
        go = gr.Button(visible="hidden", elem_id="go")
        quietly: dict[str, Any] = {
            "show_progress": "hidden",
            "concurrency_limit": AT_ONCE,
            "concurrency_id": "ask",
            "api_visibility": "private",
        }
        asked = (_asks(desk), [box, as_typed, chat, before], [box, as_typed, chat])
        running: list[Any] = [
            event(*asked, js=BEFORE, **quietly) for event in (box.submit, send.click)
        ]
        # Whoever goes back twice wants to be where that leads, whatever is still being opened.
        going: dict[str, Any] = quietly | {"js": ADDRESS, "trigger_mode": "always_last"}
        # A page that opens empty leaves alone what somebody quick has asked by then.
        running += [
            event(_opens(desk, blank), [before], [chat], **going)
            for event, blank in ((page.load, gr.skip()), (go.click, []))
        ]
        stopped = render("error.html", words, text=words("stopped"))
        halt.click(
            lambda messages: [*messages[:-1], _assistant(stopped)],
            [chat],
            [chat],
            cancels=running,
            api_visibility="private",
        )
    page.queue(max_size=MOST_WAITING)
    page.state_session_capacity = MOST_SESSIONS
    return page


def waiting(page: gr.Blocks) -> int:
    """Return how many wait for a page; Gradio tells it over HTTP alone."""
    return len(page._queue)


def _asking(words: Words) -> tuple[gr.Textbox, gr.Checkbox, gr.Button, gr.Button]:
    """Lay out what a question is typed into, and its buttons."""
    with gr.Column(elem_id="asking"):
        with gr.Row(elem_id="typing"):
            box = gr.Textbox(
                label=words("your_question"),
                placeholder=words("placeholder"),
                lines=1,
                max_lines=6,
                max_length=MAX_TYPED,
                elem_id="question",
                scale=5,
            )
            send = gr.Button(words("ask"), variant="primary", elem_id="ask", min_width=96)
            halt = gr.Button(words("stop"), elem_id="stop", min_width=96)
        as_typed = gr.Checkbox(
            label=words("as_typed"), info=words("as_typed_note"), elem_id="as-typed"
        )
    return box, as_typed, send, halt


def _asks(desk: Desk) -> Any:  # noqa: ANN401, Gradio's
    """Return what answers one more question of a chat, stage by stage."""

    def ask(
        question: str, as_typed: bool, messages: Messages, before: str
    ) -> Iterator[tuple[str, bool, Messages]]:
        turns = [*read_address(before), Turn(question.strip(), as_typed)]
        messages = messages[: 2 * len(turns) - 2]
        for html in desk.stages(turns):
            yield "", False, [*messages, *_said(desk, turns, html)]

    return ask


def _opens(desk: Desk, blank: Any) -> Any:  # noqa: ANN401, Gradio's
    """Return what answers all questions of an address, and gives ``blank`` where it has none."""

    def open_chat(search: str) -> Iterator[Any]:
        messages: Messages = []
        turns = read_address(search)
        for number in range(1, len(turns) + 1):
            *_, html = desk.stages(turns[:number])
            messages = [*messages, *_said(desk, turns[:number], html)]
            yield messages
        yield messages or blank

    return open_chat


def _said(desk: Desk, turns: Sequence[Turn], html: str) -> Messages:
    asked = render("turn.html", desk.words, question=turns[-1].question, turn=len(turns))
    return [{"role": "user", "content": _html(asked)}, _assistant(html)]


def _assistant(html: str) -> dict[str, Any]:
    return {"role": "assistant", "content": _html(html)}


def _html(html: str) -> gr.HTML:
    """Return our own HTML, in our own style."""
    return gr.HTML(html, apply_default_css=False, js_on_load=None)
