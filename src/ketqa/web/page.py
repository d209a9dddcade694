"""The chat page, in Gradio. It asks the index and shows escaped HTML, nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ketqa.conversation import answer_each
from ketqa.errors import KetqaError
from ketqa.index import Index
from ketqa.types import Answer
from ketqa.web.html import render_answer, render_error, render_intro, render_question

TITLE = "ketqa: what do these documents say?"
EXAMPLES = (
    "How long did relief last?",
    "What are the side effects?",
    "Does insurance pay for it?",
    "Has the FDA approved ketamine for migraine?",
)
FONTS = ("system-ui", "DejaVu Sans", "sans-serif")
# Long enough for any question that is accepted; the page tells longer ones why not.
MAX_TYPED = 20_000

# A list of documents is shown up to this length.
MOST_TITLES = 50

Messages = list[dict[str, Any]]


def theme() -> gr.themes.Base:
    """Return a calm theme whose fonts are on every machine."""
    return gr.themes.Soft(
        primary_hue="blue", neutral_hue="stone", font=FONTS, font_mono=("monospace",)
    )


def build_page(index: Index, log: Path | None = None, country: str | None = None) -> gr.Blocks:
    """Return the page of an open index; what is asked is kept in ``log`` if there is one."""

    def answer(
        question: str, as_typed: bool, messages: Messages, asked: list[str]
    ) -> tuple[str, Messages, list[str]]:
        try:
            answers = answer_each(index, question, asked, country=country, as_typed=as_typed)
        except KetqaError as error:
            shown = render_error(f"{error}"[:1].upper() + f"{error}"[1:] + ".")
        else:
            if log:
                _keep(log, answers)
            shown = "".join(
                render_answer(found, titles, heading=len(answers) > 1) for found in answers
            )
            asked = [*asked, *(found.question for found in answers if not found.reply)]
        said: Messages = [
            {"role": "user", "content": gr.HTML(render_question(question.strip()))},
            {"role": "assistant", "content": gr.HTML(shown)},
        ]
        return "", [*messages, *said], asked

    titles = [
        (doc_id, index.store.document(doc_id).source.title)
        for doc_id in index.store.document_ids()[:MOST_TITLES]
    ]
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(render_intro(titles, index.searched["documents"]))
        asked = gr.State([])
        chat = gr.Chatbot(
            label="Questions and quotes",
            show_label=False,
            height=None,
            min_height=120,
            buttons=[],
            feedback_options=None,
            layout="panel",
            placeholder="Your question and the quotes that answer it will stand here.",
        )
        with gr.Row():
            box = gr.Textbox(
                label="Your question",
                placeholder="In your own words, for example: how long does it help?",
                lines=1,
                max_length=MAX_TYPED,
                autofocus=True,
                scale=5,
            )
            send = gr.Button("Ask", variant="primary", scale=1)
        as_typed = gr.Checkbox(
            label="Search exactly what I type",
            info="Nothing is spelt anew, and nothing you asked before is added.",
        )
        chat.clear(list, None, asked, api_visibility="private")
        gr.Examples(list(EXAMPLES), box, label="Questions to begin with")
        for event in (box.submit, send.click):
            event(
                answer,
                [box, as_typed, chat, asked],
                [box, chat, asked],
                show_progress="minimal",
                api_visibility="private",
            )
    return page


def _keep(log: Path, answers: Sequence[Answer]) -> None:
    with log.open("a", encoding="utf-8") as out:
        for answer in answers:
            row = {"question": answer.query, "status": answer.status}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
