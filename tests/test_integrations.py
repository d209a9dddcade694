"""The adapters: the frameworks' own tests where they publish some, and every place survives."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from haystack import Document as HaystackDocument
from haystack import Pipeline
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from conftest import CORPUS
from ketqa.index import Index
from ketqa.integrations.haystack import KetqaRetriever as HaystackRetriever
from ketqa.integrations.langchain import KetqaRetriever as LangChainRetriever
from ketqa.integrations.llama_index import KetqaRetriever as LlamaRetriever

pytestmark = pytest.mark.model

QUESTION = "How long did relief last?"
NOTHING = "who won the world cup in 2018"
NEAR = "what happens next"


class TestLangChain(RetrieversIntegrationTests):
    """LangChain's own tests of a retriever."""

    @pytest.fixture(autouse=True)
    def _opened(self, index: Index) -> None:
        self._index = index

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return LangChainRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self._index}

    @property
    def retriever_query_example(self) -> str:
        return QUESTION


def assert_places(text: str, about: dict[str, Any]) -> None:
    span = about["span"]
    document = (CORPUS / about["source"]["file"]).read_bytes().decode()
    assert document[span["start"] : span["end"]] == text
    assert json.loads(json.dumps(about)) == about
    assert about["source"]["title"]


def test_langchain_documents_keep_their_places_and_sources(index: Index) -> None:
    documents = LangChainRetriever(index=index, k=2).invoke(QUESTION)
    assert len(documents) == 2
    for document in documents:
        assert_places(document.page_content, document.metadata)
    assert documents[0].id == "medpage-today-stubborn-migraines.txt:1937-2048"


def test_llama_nodes_keep_their_places_and_sources(index: Index) -> None:
    nodes = LlamaRetriever(index, k=2).retrieve(QUESTION)
    assert len(nodes) == 2
    for found in nodes:
        assert isinstance(found, NodeWithScore)
        assert isinstance(found.node, TextNode)
        assert_places(found.text, found.metadata)
        span = found.metadata["span"]
        assert (found.node.start_char_idx, found.node.end_char_idx) == (span["start"], span["end"])
        assert found.score == pytest.approx(found.metadata["confidence"], abs=1e-4)
        assert TextNode.from_dict(found.node.to_dict()).metadata == found.metadata
    shown = nodes[0].node.get_content(MetadataMode.LLM)
    assert "MedPage Today" in shown
    assert "also_at" not in shown


def test_haystack_documents_keep_their_places_and_sources_in_a_pipeline(
    index_folder: Path,
) -> None:
    pipeline = Pipeline()
    pipeline.add_component("ketqa", HaystackRetriever(index=str(index_folder), k=2))
    again = Pipeline.loads(pipeline.dumps(), allowed_modules=[HaystackRetriever.__module__])
    documents = again.run({"ketqa": {"query": QUESTION}})["ketqa"]["documents"]
    assert len(documents) == 2
    for document in documents:
        assert isinstance(document, HaystackDocument)
        assert document.content is not None
        assert_places(document.content, document.meta)
        assert HaystackDocument.from_dict(document.to_dict()) == document
    assert len(again.run({"ketqa": {"query": QUESTION, "k": 1}})["ketqa"]["documents"]) == 1


def test_where_nothing_answers_nothing_is_returned(index: Index, index_folder: Path) -> None:
    haystack = HaystackRetriever(index=str(index_folder))
    for question in (NOTHING, NEAR):
        assert index.ask(question).status != "evidence"
        assert LangChainRetriever(index=index).invoke(question) == []
        assert LlamaRetriever(index).retrieve(question) == []
        assert haystack.run(question)["documents"] == []


def test_what_lies_nearest_is_returned_on_demand_and_says_so(
    index: Index, index_folder: Path
) -> None:
    nearest = index.ask(NEAR).related
    assert nearest
    haystack = HaystackRetriever(index=str(index_folder), related=True)
    for about in (
        LangChainRetriever(index=index, related=True).invoke(NEAR)[0].metadata,
        LlamaRetriever(index, related=True).retrieve(NEAR)[0].metadata,
        haystack.run(NEAR)["documents"][0].meta,
    ):
        assert about["status"] == "related"
        assert about["span"] == nearest[0].to_dict()["span"]


@pytest.mark.parametrize("module", ["langchain", "llama_index", "haystack", "mcp"])
def test_an_adapter_connects_to_nothing_when_it_is_loaded_and_run(
    index_folder: Path, module: str
) -> None:
    """Each in a process of its own, in which every connection and look-up is an error."""
    run = {
        "langchain": "m.KetqaRetriever(index=index).invoke(q)",
        "llama_index": "m.KetqaRetriever(index).retrieve(q)",
        "haystack": "__import__('haystack').Pipeline().add_component('k', m.KetqaRetriever(folder))"
        " or m.KetqaRetriever(folder).run(q)",
        "mcp": "m.build_server(index)",
    }[module]
    code = f"""
import sys
tried = []
sys.addaudithook(lambda event, args: tried.append((event, args)) if event in (
    'socket.connect', 'socket.getaddrinfo', 'socket.sendto') else None)
import importlib
from ketqa import Index
folder, q = {str(index_folder)!r}, {QUESTION!r}
m = importlib.import_module('ketqa.integrations.{module}')
with Index.open(folder) as index:
    {run}
sys.exit(str(tried) if tried else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HAYSTACK_TELEMETRY_ENABLED": "False"},
    )
    assert (done.returncode, done.stderr) == (0, "")
