import json
from pathlib import Path

import pytest

from ketqa.build import build_index
from ketqa.errors import IndexDamaged
from ketqa.index import Index
from ketqa.manifest import current_build
from ketqa.opening import Stages
from ketqa.present import changes
from ketqa.query import Query
from ketqa.understand import ABBREVIATIONS, CHANGES, Understanding

pytestmark = pytest.mark.model


def test_an_abbreviation_is_searched_in_full(index: Index) -> None:
    answer = index.ask("NDPH evidence?")
    assert ("abbreviation", "NDPH", "new daily persistent headache") in {
        (change.kind, change.before, change.after) for change in answer.changes
    }
    assert answer.query == "NDPH evidence?"
    assert "Also searched: new daily persistent headache (for NDPH)" in changes(answer)


def test_another_language_is_searched_in_english(index: Index, index_folder: Path) -> None:
    question = "Combien de temps dure le soulagement?"
    with Index.open(index_folder, stages=Stages(questions=False)) as plain:
        added = plain.ask(question).changes
        assert {change.kind for change in added} == {"language"}
        assert "relief" in " ".join(change.after for change in added)
    assert index.ask(question, as_typed=True).changes == ()


def test_english_is_not_taken_for_another_language(index: Index) -> None:
    for question in ("Does it come on sale?", "die hard migraine", "Is Ketamine safe"):
        assert not [c for c in index.ask(question).changes if c.kind == "language"]


def test_a_stage_left_out_adds_nothing(index_folder: Path) -> None:
    with Index.open(index_folder, stages=Stages(changes=CHANGES - {"abbreviation"})) as plain:
        assert plain.ask("NDPH evidence?").changes == ()


def test_the_row_of_an_expanded_question_is_not_the_message_s_own(index: Index) -> None:
    asked = index.prepare(index.understand("NDPH evidence?"))
    assert asked.terms["headach"] == 0.5
    assert not (asked.row == index.prepare(Query("NDPH evidence?")).row).all()


def test_a_corpus_with_a_lexicon_is_built_anew_when_that_changes(
    four_documents: Path, tmp_path: Path
) -> None:
    build_index(four_documents, tmp_path / "index")
    (four_documents / "lexicon.toml").write_text('[lay]\n"kip" = "sleep"\n')
    assert build_index(four_documents, tmp_path / "index").changed
    with Index.open(tmp_path / "index") as opened:
        assert [change.after for change in opened.ask("a kip").changes] == ["sleep"]
        build = current_build(tmp_path / "index")
        (build / ABBREVIATIONS).write_text(json.dumps([1]))
        with pytest.raises(IndexDamaged, match="cannot be read"):
            Understanding.load(build, opened.engines.words, {"en"})
