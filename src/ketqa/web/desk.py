"""The turns of a chat -> the HTML to show for the last one, stage by stage."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ketqa.balance import balance
from ketqa.conversation import answer_in_steps
from ketqa.coverage import Coverage
from ketqa.differences import find_difference
from ketqa.errors import KetqaError
from ketqa.found import Found
from ketqa.fragment import text_fragment
from ketqa.index import Index
from ketqa.talk import split_questions
from ketqa.types import Answer
from ketqa.web.context import around
from ketqa.web.html import Shown, render, render_answer
from ketqa.web.turns import Turn, history, write_address
from ketqa.web.words import Words


@dataclass(frozen=True, slots=True)
class Desk:
    """What answers a chat: an index, and how the page shows what it says."""

    index: Index
    words: Words
    coverage: Coverage
    country: str | None = None
    log: Path | None = None

    def stages(self, turns: Sequence[Turn]) -> Iterator[str]:
        """Yield what to show for the last of some turns, each time in place of what was."""
        documents = self.words.count("document", self.index.searched["documents"])
        yield self._stage("searching", "", documents=documents)
        done = ""
        try:
            for step in self._steps(turns):
                if isinstance(step, Found):
                    found = step
                    passages = self.words.count("passage", len(step.hits))
                    yield done + self._stage("reading", done, passages=passages)
                else:
                    done += self._shown(step, found, turns, done)
                    yield done
        except KetqaError as error:
            text = f"{error}"[:1].upper() + f"{error}"[1:] + "."
            yield render("error.html", self.words, text=text)

    def shown(self, answer: Answer, found: Found, turns: Sequence[Turn], part: int) -> Shown:
        """Return an answer, one of those to the last turn, with what the page shows around it."""
        store = self.index.store
        beside = balance(self.index, found, answer)
        if beside and beside not in answer.evidence:
            beside = replace(beside, rank=0)
        items = [*(answer.evidence or answer.related), *([beside] if beside else [])]
        links = {
            item.rank: text_fragment(store.document(item.span.doc_id).text, item.span)
            for item in items
            if item.source.url
        }
        return Shown(
            answer,
            found,
            write_address(turns),
            key=f"{len(turns)}-{part}",
            part=part,
            country=self.country,
            balance=beside,
            difference=find_difference(answer),
            context={item.rank: around(store, item) for item in items},
            links={rank: link for rank, link in links.items() if link},
        )

    def _steps(self, turns: Sequence[Turn]) -> Iterator[Found | Answer]:
        *before, turn = turns
        return answer_in_steps(
            self.index,
            turn.question,
            history(before),
            country=self.country,
            as_typed=turn.as_typed,
        )

    def answers(self, turns: Sequence[Turn]) -> list[Shown]:
        """Return the answers to the last of some turns."""
        steps = list(self._steps(turns))
        return [
            self.shown(answer, found, turns, number)
            for number, (found, answer) in enumerate(zip(steps[::2], steps[1::2], strict=True), 1)
            if isinstance(answer, Answer) and isinstance(found, Found)
        ]

    def _shown(self, answer: Answer, found: Found, turns: Sequence[Turn], done: str) -> str:
        if self.log:
            _keep(self.log, answer)
        parts = len(split_questions(turns[-1].question))
        part = done.count('<section class="answer done') + 1
        shown = self.shown(answer, found, turns, part)
        return render_answer(
            shown, self.words, self.coverage, heading=parts > 1, last=part == parts
        )

    def _stage(self, stage: str, done: str, **values: str) -> str:
        if done:
            return ""
        return render("stage.html", self.words, stage=stage, text=self.words(stage, **values))


def _keep(log: Path, answer: Answer) -> None:
    row = {"question": answer.query, "status": answer.status}
    with log.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
