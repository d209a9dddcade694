"""The house stands as it is drawn: layers, public names, one importer for each engine."""

import ast
from pathlib import Path

import pytest

import ketqa
from conftest import ROOT
from ketqa.shipped import SUMS, list_shipped

PACKAGE = ROOT / "src" / "ketqa"

# A module imports only from rooms above it in this list, never from its own.
ROOMS = (
    ("errors", "hyphens", "second_hand", "abbreviations", "language", "quiet"),
    ("types", "fold", "runtime", "cluster.address", "cluster.patience", "shipped"),
    ("adapter", "jsonl", "twins", "formats.content", "formats.sniff"),
    ("formats.text", "formats.pages", "formats.html", "formats.docx", "formats.jats"),
    ("formats.markdown", "formats.jsonl", "formats.pdf", "present", "export.escape"),
    ("formats.marked",),
    ("export.annotation", "export.citations", "export.tables", "export.words", "tables"),
    ("export",),
    ("formats",),
    ("formats.sandbox",),
    ("files",),
    ("corpus", "split", "models", "query", "watch", "printed"),
    ("encode", "notices.classify", "spelling", "gather", "lint"),
    ("cross", "notices.words", "talk"),
    ("notices",),
    ("compiled", "dense", "lexical", "fuse", "store"),
    ("match", "manifest", "questions", "lookup", "lexicon"),
    ("reader", "understand", "parts", "cluster.documents"),
    ("known", "kept", "lock"),
    ("shards",),
    ("abstain", "found", "retrieve", "rerank", "cluster.copies"),
    ("answer", "build", "cluster.engine"),
    ("opening", "verify", "cluster.bulk"),
    ("cluster.fill",),
    ("index",),
    ("balance", "conversation", "coverage", "differences", "fragment", "why"),
    ("evaluation.gold", "evaluation.page"),
    ("evaluation.score",),
    ("evaluation.figures", "evaluation.significance", "evaluation.run", "evaluation.beir"),
    ("evaluation.gate", "evaluation.report", "evaluation.ablation"),
    ("schema", "integrations.quoted"),
    ("integrations.mcp", "integrations.langchain", "integrations.llama_index"),
    ("integrations.haystack",),
    ("web.words", "web.turns", "web.context", "web.reading", "web.metrics", "web.problems"),
    ("web.notices", "web.guard", "web.places"),
    ("web.html", "web.api"),
    ("web.desk", "web.sheets", "web.door"),
    ("web.page", "web.routes"),
    ("web.server",),
    ("learn.examples", "learn.lesson"),
    ("learn.weights", "learn.adapt"),
    ("learn.corpus",),
    ("curation.check", "curation.suggest"),
    ("curation.generate",),
    ("cli.terminal", "cli.annotate"),
    ("cli.asking", "cli.corpus", "cli.evaluate", "cli.curate"),
    ("cli.serving",),
    ("cli",),
)
# The only module that may know each engine.
ENGINES = {
    "sentence_transformers": "encode",
    "openvino": "runtime",
    "py3langid": "language",
    "rapidfuzz": "spelling",
    "faiss": "dense",
    "tantivy": "lexical",
    "sqlite3": "tables",
    "sentencex": "split",
    "watchfiles": "watch",
    "markdown_it": "formats.markdown",
    "trafilatura": "formats.html",
    "pypdfium2": "formats.pdf",
    "docx": "formats.docx",
    "datasketch": "lint",
    "ftfy": "lint",
    "langchain_text_splitters": "split",
    "gradio": "web.",
    "limits": "web.guard",
    "prometheus_client": "web.metrics",
    "mcp": "integrations.mcp",
    "langchain_core": "integrations.langchain",
    "llama_index": "integrations.llama_index",
    "haystack": "integrations.haystack",
    "matplotlib": "evaluation.report",
    "ir_measures": "evaluation.beir",
    "pymilvus": "cluster.engine",
    "psycopg": "cluster.documents",
    "ray": "cluster.bulk",
}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "ketqa":
            names |= {f"ketqa.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_module_has_a_room() -> None:
    rooms = {name for room in ROOMS for name in room}
    assert (
        set(modules()) - {"", "web", "evaluation", "learn", "curation", "integrations", "cluster"}
        == rooms
    )


def test_a_module_imports_only_from_lower_rooms() -> None:
    floor = {name: number for number, room in enumerate(ROOMS) for name in room}
    for name, path in modules().items():
        if name not in floor:
            continue
        for used in imports(path):
            lower = used.removeprefix("ketqa.")
            if used.startswith("ketqa.") and lower in floor:
                assert floor[lower] < floor[name], f"{name} imports {lower}"


@pytest.mark.parametrize(("engine", "owner"), ENGINES.items())
def test_each_engine_is_known_to_one_module(engine: str, owner: str) -> None:
    users = {
        name
        for name, path in modules().items()
        if any(used.split(".")[0] == engine for used in imports(path))
    }
    assert {user if user == owner else user.split(".")[0] + "." for user in users} == {owner}


def test_only_the_command_line_prints() -> None:
    printers = {
        name
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    }
    assert {printer.split(".")[0] for printer in printers} == {"cli"}


def test_no_file_has_grown_past_one_idea() -> None:
    long = {n: len(p.read_text(encoding="utf-8").splitlines()) for n, p in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > 330} == {}


def test_the_public_names() -> None:
    assert ketqa.__all__ == ["Answer", "Evidence", "Hit", "Index", "KetqaError", "Source", "Span"]
    for name in ketqa.__all__:
        assert getattr(ketqa, name).__module__.startswith("ketqa.")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ketqa.nonsense  # noqa: B018


def test_what_is_shipped_has_its_hashes() -> None:
    """Where this fails, a weight or a word list changed: python training/sums.py"""
    lines = [f"{sha256}  {name}\n" for name, sha256 in list_shipped().items()]
    assert "".join(lines) == SUMS.read_text(encoding="ascii")
