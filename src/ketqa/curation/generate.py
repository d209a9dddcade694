"""Questions for a corpus from a language model that the user runs. Only when building.

Any server with the OpenAI chat interface does: Ollama, llama.cpp, vLLM. What it writes is kept
only if it finds its sentence, is marked as generated, and is never shown as an answer.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ketqa.curation.check import FIRST
from ketqa.curation.suggest import Thin, thin_sentences
from ketqa.errors import KetqaError, QuestionError
from ketqa.index import Index
from ketqa.jsonl import read_rows
from ketqa.query import Query, check_question
from ketqa.questions import ANSWERED
from ketqa.twins import twin_key

TIMEOUT_S = 120.0
PROMPT = """\
Below is one sentence from a document, marked with <<< and >>>, and the text around it.
Write {count} different questions that somebody might type and that this sentence answers by
itself. Vary the voice: everyday words, professional words, a few keywords, a worried story.
Do not mention "the text" or "the sentence". Reply with a JSON list of strings and nothing else.

{before}<<<{sentence}>>>{after}"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of it: questions kept and dropped, and sentences whose reply was no list."""

    kept: int
    dropped: int
    unreadable: int


class ChatModel:
    """A language model behind an OpenAI-compatible address."""

    def __init__(self, endpoint: str, name: str) -> None:
        """Name the server ("http://localhost:11434/v1") and its model."""
        self.name = name
        self._url = endpoint.rstrip("/") + "/chat/completions"
        key = os.environ.get("OPENAI_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(timeout=TIMEOUT_S, headers=headers)

    def ask(self, prompt: str) -> str:
        """Return the reply.

        Raises:
            KetqaError: The server cannot be reached, refuses, or does not speak the protocol.
        """
        body = {"model": self.name, "messages": [{"role": "user", "content": prompt}]}
        try:
            reply = self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise KetqaError(
                f"{self._url}: cannot be reached ({error}); is the server up?"
            ) from None
        if reply.is_error:
            raise KetqaError(f"{self._url}: answered {reply.status_code}: {reply.text[:200]}")
        try:
            return str(reply.json()["choices"][0]["message"]["content"])
        except (ValueError, KeyError, IndexError, TypeError):
            raise KetqaError(f"{self._url}: does not speak the OpenAI chat protocol") from None


def generate_questions(
    index: Index, corpus: Path, model: ChatModel, *, count: int, progress: Progress
) -> Generated:
    """Ask for questions for every sentence that has fewer than ``count``, and keep the good.

    Each sentence's questions are appended to ``questions.jsonl`` before the next is begun; a
    sentence that has some by the same model is not asked for again, so that a run that was cut
    short goes on where it stopped.

    Raises:
        KetqaError: The server fails, or the file cannot be written.
    """
    file = corpus / ANSWERED
    done = _spans_done(file, model.name)
    thin = [t for t in thin_sentences(index, count) if _place(t, index) not in done]
    kept = dropped = unreadable = 0
    for number, item in enumerate(thin, start=1):
        reply = _read_reply(model.ask(_prompt(item, index, count - item.questions)))
        good = [question for question in reply if _finds(question, item, index)]
        kept, dropped = kept + len(good), dropped + len(reply) - len(good)
        unreadable += not reply
        if good:
            _append(file, _entry(item, index, good, model.name))
        progress(number, len(thin))
    return Generated(kept, dropped, unreadable)


def _prompt(item: Thin, index: Index, count: int) -> str:
    passage = index.store.passage(item.sentence.passage)
    low = item.sentence.span.start - passage.span.start
    high = item.sentence.span.end - passage.span.start
    return PROMPT.format(
        count=count,
        before=passage.text[:low],
        sentence=passage.text[low:high],
        after=passage.text[high:],
    )


def _read_reply(reply: str) -> list[str]:
    """Return the questions of a reply that holds a JSON list; none where it holds no list."""
    start, end = reply.find("["), reply.rfind("]") + 1
    try:
        rows = json.loads(reply[start:end]) if -1 < start < end else []
    except ValueError:
        return []
    questions: dict[str, str] = {}
    for row in rows:
        try:
            checked = check_question(row) if isinstance(row, str) else ""
        except QuestionError:
            continue
        if checked:
            questions.setdefault(twin_key(checked), checked)
    return list(questions.values())


def _finds(question: str, item: Thin, index: Index) -> bool:
    """Tell whether a question finds its sentence among the first, on its own."""
    keys = dict.fromkeys(
        twin_key(r.sentence.text) for r in index.read(index.prepare(Query(question)))
    )
    return twin_key(item.sentence.text) in list(keys)[:FIRST]


def _entry(item: Thin, index: Index, questions: Sequence[str], model: str) -> dict[str, Any]:
    span = item.sentence.span
    return {
        "file": index.store.document(span.doc_id).source.file,
        "start": span.start,
        "end": span.end,
        "quote": item.sentence.text,
        "generated": model,
        "questions": list(questions),
    }


def _append(file: Path, entry: dict[str, Any]) -> None:
    """Add one line, on the disk before this returns."""
    try:
        with file.open("a+b") as out:
            if out.tell() and not file.read_bytes().endswith(b"\n"):
                out.write(b"\n")
            out.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise KetqaError(f"{file}: cannot be written: {error.strerror}") from None


def _spans_done(file: Path, model: str) -> set[tuple[str, int, int]]:
    if not file.exists():
        return set()
    return {
        (row["file"], row["start"], row["end"])
        for row, _ in read_rows(file, KetqaError)
        if row.get("generated") == model
    }


def _place(item: Thin, index: Index) -> tuple[str, int, int]:
    span = item.sentence.span
    return index.store.document(span.doc_id).source.file, span.start, span.end
