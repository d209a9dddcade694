"""An index through its life, beside a dictionary: what is asked of it is answered from the files.

Files are written, removed and moved; updates succeed, fail in the middle, or are put off; the
index is opened anew or kept open while it is updated.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conftest import FOUR_DOCUMENTS, TopicEncoder, write_corpus
from ketqa.encode import Rows
from ketqa.errors import CorpusError, IndexUnwritable
from ketqa.formats.content import WORD
from ketqa.index import Index
from ketqa.manifest import BUILDS, current_build
from ketqa.verify import verify_index
from test_updates import (
    NAMES,
    QUESTIONS,
    TEXTS,
    build,
    contents,
    small_shards,  # noqa: F401, cuts even a few sentences into several shards
)

# How many lives are led: a few here, more by make check-all.
LIVES = int(os.environ.get("KETQA_LIVES", "1"))
# The one in use, the one before it, and one that failed.
MOST_BUILDS = 3
NAMED = st.sampled_from(NAMES[:8])
# What a build calls in turn, the last one the switch itself.
STEPS = (
    "ketqa.build.share_shard", "ketqa.build.make_shard", "ketqa.build.create_store",
    "ketqa.build.LexicalIndex.join", "ketqa.build.save_understanding", "ketqa.build.switch_to",
)  # fmt: skip


class FullDisk(OSError):
    """Nothing more can be written."""


class TiringEncoder(TopicEncoder):
    """Encodes so many times, and then no more."""

    def __init__(self, times: int) -> None:
        self.times = times

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        self.times -= 1
        if self.times < 0:
            raise FullDisk
        return super().encode_texts(texts)


class Life(RuleBasedStateMachine):
    """``files`` are those of the folder, ``known`` what the last update that ended well read."""

    def __init__(self) -> None:
        super().__init__()
        self.home = TemporaryDirectory()
        self.corpus, self.index = (Path(self.home.name) / name for name in ("corpus", "index"))
        self.files: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self.opened: Index | None = None
        self.read: dict[str, str] = {}

    @initialize()
    def begin(self) -> None:
        write_corpus(self.corpus, FOUR_DOCUMENTS)
        self.files = dict(FOUR_DOCUMENTS)
        self.update()
        self.reopen()

    @rule(name=NAMED, text=TEXTS)
    def write(self, name: str, text: str) -> None:
        (self.corpus / name).write_text(text, encoding="utf-8")
        self.files[name] = text

    @rule(data=st.data())
    @precondition(lambda self: self.files)
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        (self.corpus / name).unlink()
        del self.files[name]

    @rule(data=st.data(), to=NAMED)
    @precondition(lambda self: self.files)
    def move(self, data: st.DataObject, to: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        (self.corpus / name).replace(self.corpus / to)
        self.files[to] = self.files.pop(name)

    @rule()
    def update(self) -> None:
        readable = {name: text for name, text in self.files.items() if WORD.search(text)}
        if readable:
            build(self.corpus, self.index)
            self.known = readable
        else:
            with pytest.raises(CorpusError):
                build(self.corpus, self.index)
        self.check()

    @rule(step=st.sampled_from(STEPS))
    def fail_at_a_step(self, step: str) -> None:
        def fail(*_: object, **__: object) -> None:
            raise FullDisk

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(step, fail)
            self.fail(TopicEncoder())

    @rule(times=st.integers(0, 5))
    def fail_while_encoding(self, times: int) -> None:
        self.fail(TiringEncoder(times))

    def fail(self, encoder: TopicEncoder) -> None:
        """Update, and let it fail if it comes to that; what is known is what it was, or new."""
        try:
            build(self.corpus, self.index, encoder)
        except (IndexUnwritable, CorpusError):
            pass
        else:
            self.known = {name: text for name, text in self.files.items() if WORD.search(text)}
        self.check()

    @rule()
    def reopen(self) -> None:
        if self.opened:
            self.opened.close()
        self.opened = Index(current_build(self.index), TopicEncoder())
        self.read = dict(self.known)

    @rule(question=st.sampled_from(QUESTIONS))
    def ask(self, question: str) -> None:
        """The index that is open knows the files as they were when it was opened."""
        assert self.opened
        answer = self.opened.ask(question, min_confidence=0)
        for item in (*answer.evidence, *answer.related):
            assert self.read[item.span.doc_id][item.span.start : item.span.end] == item.quote
        topics = [hit.passage.text for hit in self.opened.search(question, 100)]
        assert all(any(text in whole for whole in self.read.values()) for text in topics)

    @rule()
    def compare(self) -> None:
        """What is on the disk is what a build of the same files from nothing gives."""
        write_corpus(Path(self.home.name) / "same", self.known)
        build(Path(self.home.name) / "same", Path(self.home.name) / "scratch")
        assert contents(self.index) == contents(Path(self.home.name) / "scratch")
        for name in ("same", "scratch"):
            shutil.rmtree(Path(self.home.name) / name)

    def check(self) -> None:
        """What was acknowledged last is there, whole, and nothing piles up beside it."""
        assert not any(check.problem for check in verify_index(self.index, None))
        with Index(current_build(self.index), TopicEncoder()) as found:
            assert found.store.document_ids() == sorted(self.known)
            assert {name: found.store.document(name).text for name in self.known} == self.known
        assert len(list((self.index / BUILDS).iterdir())) <= MOST_BUILDS

    def teardown(self) -> None:
        if self.known:
            self.compare()
        if self.opened:
            self.opened.close()
        self.home.cleanup()


def test_an_index_tells_of_the_files_as_they_are_through_any_life() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=LIVES, stateful_step_count=12, deadline=None)
    )
