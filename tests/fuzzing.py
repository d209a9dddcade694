"""What is fuzzed: for each target, bytes that may be anything -> nothing, or a broken promise.

A parser gives records that hold what they promise, or raises a KetqaError; a question gets quotes
that are slices of their documents; a request is never answered with 5xx. ``tests/fuzz.py`` runs
the targets for as long as is wanted, ``tests/test_fuzz.py`` for a moment.
"""

import json
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import unquote

from starlette.testclient import TestClient
from starlette.types import Message, Scope

from conftest import FOUR_DOCUMENTS, TopicEncoder, page_of, write_corpus
from ketqa.adapter import DESCRIPTION, Adapter
from ketqa.build import build_index
from ketqa.corpus import load_corpus, read_sources
from ketqa.errors import CorpusError, KetqaError, QuestionError
from ketqa.evaluation.gold import load_gold
from ketqa.export import FORMS as TAKEN
from ketqa.export import export_answer
from ketqa.formats import read_content
from ketqa.formats.content import Content
from ketqa.formats.sniff import ENDINGS, sniff
from ketqa.fragment import text_fragment
from ketqa.index import Index
from ketqa.lexicon import LEXICON, load_lexicon
from ketqa.manifest import MANIFEST, Manifest, current_build
from ketqa.models import ModelFolder
from ketqa.questions import ANSWERED, UNANSWERED, load_questions
from ketqa.split import split_sentences
from ketqa.types import Answer, Document, Evidence, Passage, Source, Span
from ketqa.web.api import build_api
from ketqa.web.guard import Access
from made_files import make_docx

Target = Callable[[bytes], None]
DAY = datetime(2026, 3, 9, tzinfo=UTC)
# What is open for as long as there is fuzzing.
OPENED = ExitStack()
# First bytes from here on ask for well-formed JSON.
HALF = 128
TOPICS = ModelFolder("topics", Path("topics"), "0" * 64)
# Splitting is timed by its own tests; here it is only to keep its promise.
MOST_SPLIT = 5_000
FORMS = ("text", "markdown", "html", "pdf", "docx", "jats", "jsonl")
SENTENCE = "Nobody pays the cost for you."
ASKING = ("/v1/ask", "/v1/message", "/v1/search", "/v1/verify")
LOOKING = (
    "/v1/documents?", "/v1/documents/", "/documents/", "/read/", "/nearby/", "/words/", "/sources?",
    "/print?", "/take/", "/printed/", "/pictures/", "/healthz?", "/metrics?",
)  # fmt: skip


@cache
def folder() -> Path:
    """Return a corpus of four documents, in which single files are written over and over."""
    return write_corpus(Path(mkdtemp(prefix="ketqa-fuzz-")) / "corpus", FOUR_DOCUMENTS)


@cache
def documents() -> list[Document]:
    return load_corpus(folder())


@cache
def index() -> Index:
    """Return the four documents, indexed with an encoder that takes no time."""
    build_index(folder(), folder().parent / "index", TOPICS, tokens=8, encoder=TopicEncoder())
    return OPENED.enter_context(Index(current_build(folder().parent / "index"), TopicEncoder()))


def read(data: bytes, form: str) -> None:
    """Read a file of one form."""
    try:
        contents, wrong = read_content(data, "a file", form)
    except CorpusError:
        return
    assert all(reason.startswith("a file: line ") or "more lines" in reason for reason in wrong)
    for content in contents:
        check_content(content)


def check_content(content: Content) -> None:
    text, layout = content.text, content.layout
    for value in (text, content.aside, content.part or "", *content.found.values(), *content.notes):
        assert "\0" not in value
        value.encode()
    places = [0, *(place for heading in layout.headings for place in heading), len(text)]
    assert all(before <= after for before, after in pairwise(places))
    assert list(layout.pages) == sorted(layout.pages)
    assert all(0 <= page <= len(text) for page in layout.pages)
    if len(text) <= MOST_SPLIT:
        check_sentences(content)


def check_sentences(content: Content) -> None:
    end = 0
    for piece in split_sentences(content.text, "en", content.layout):
        assert end <= piece.start < piece.end <= len(content.text)
        end = piece.end


def read_word(data: bytes) -> None:
    """Read bytes as a Word file, and as the main part of one."""
    read(data, "docx")
    made = BytesIO(word_file())
    with zipfile.ZipFile(made) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with zipfile.ZipFile(made := BytesIO(), "w") as package:
        for name, part in (parts | {"word/document.xml": data}).items():
            package.writestr(name, part)
    read(made.getvalue(), "docx")


@cache
def word_file() -> bytes:
    return make_docx()


def tell_form(data: bytes) -> None:
    """Tell the form of a file by its bytes."""
    for ending in (".txt", ".pdf", ".odt", ""):
        try:
            assert sniff(data, ending) in ENDINGS.values()
        except CorpusError:
            continue


def read_file(data: bytes, name: str, load: Callable[[Path], object]) -> None:
    """Read a file of one's own beside the documents."""
    file = folder() / name
    file.write_bytes(data)
    told = ""
    try:
        load(file)
    except KetqaError as error:
        told = str(error)
    finally:
        file.unlink()
    assert "\n" not in told
    told.encode()


def load_curated(file: Path) -> None:
    load_questions(file.parent, documents())


def load_words(file: Path) -> None:
    lexicon = load_lexicon(file, {})
    lexicon.expand("What was the dose of K for CRPS?", lambda _: True)


def read_answer(data: bytes) -> None:
    """Read the JSON of an answer back, as a client of the API does."""
    try:
        table = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        answer = Answer.from_dict(table)
    except KetqaError:
        return
    assert isinstance(answer, Answer)


def ask(data: bytes) -> None:
    """Ask what the last line says, after what the others did; any bytes, so any letters."""
    *history, question = data.decode("utf-8", "surrogateescape").split("\n")
    try:
        answer = index().ask(question, history=history, min_confidence=0)
        index().search(question)
    except QuestionError:
        return
    json.dumps(answer.to_dict(), ensure_ascii=False).encode()
    for item in (*answer.evidence, *answer.related):
        text = index().store.document(item.span.doc_id).text
        assert text[item.span.start : item.span.end] == item.quote


def look_up(data: bytes) -> None:
    """Look a text up, and a sentence of the documents with the text in it."""
    text = data.decode("utf-8", "surrogateescape")
    for quoted in (text, SENTENCE[:10] + text + SENTENCE[10:]):
        try:
            found = index().verify_quote(quoted)
        except QuestionError:
            continue
        for place in found.places:
            document = index().store.document(place.span.doc_id)
            assert document.text[place.span.start : place.span.end] == place.quote


def take_away(data: bytes) -> None:
    """Take a quote of any letters away in every form."""
    text = data.decode("utf-8", "ignore")
    if not text.strip():
        return
    source = Source("a.txt", "a.txt", "ab" * 32, text, author=text, url=f"https://x.org/{text}")
    span = Span("a.txt", 1, 1 + len(text))
    passage = Passage(0, Span("a.txt", 0, len(text) + 2), f"<{text}>")
    quote = Evidence(1, 0.9, text, span, source, passage)
    answer = Answer(text, text, "evidence", 0.9, (quote,), (), {"documents": 1}, {}, "f" * 64)
    whole = Document(source, passage.text)
    for form in TAKEN:
        assert export_answer(answer, form, accessed=DAY, document=lambda _: whole).data
    text_fragment(whole.text, span)
    assert Answer.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer


@cache
def client(which: str) -> TestClient:
    """Return a client whose server, the API alone or the whole page, has begun its life."""
    app = build_api(index(), Access()) if which == "api" else page_of(index(), folder())
    return OPENED.enter_context(TestClient(app))


def request_api(data: bytes) -> None:
    """Post any bytes as JSON, or JSON with any text in it; the first byte says where to."""
    which, rest = data[0] if data else 0, data[1:]
    path = ASKING[which % len(ASKING)]
    if which >= HALF:
        text = rest.decode("utf-8", "replace")
        field = {"/v1/message": "message", "/v1/verify": "text"}.get(path, "question")
        history = {"history": [text]} if which % 3 == 0 and path == "/v1/ask" else {}
        rest = json.dumps({field: text, **history}).encode()
    send("api", "POST", path, rest)


def request_page(data: bytes) -> None:
    """Get any address that the server lets through; the first byte says where it begins."""
    which, rest = data[0] if data else 0, data[1:]
    # h11 takes no other bytes in an address
    visible = bytes(byte for byte in rest if ord("!") <= byte <= ord("~"))
    send("page", "GET", LOOKING[which % len(LOOKING)] + visible.decode("ascii"), b"")


def send(which: str, method: str, address: str, body: bytes) -> None:
    """Send a request past the client's own ideas of what an address is."""
    path, _, query = address.partition("?")
    status: list[int] = []
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("localhost", 1),
        "state": {},
    }  # fmt: skip

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    opened = client(which)
    assert opened.portal
    opened.portal.call(opened.app, scope, receive, note)
    assert status[0] < HTTPStatus.INTERNAL_SERVER_ERROR, (status, address)


TARGETS: dict[str, Target] = {
    **{form: partial(read, form=form) for form in FORMS},
    "docx": read_word,
    "sniff": tell_form,
    "sources": partial(read_file, name="sources.toml", load=lambda file: read_sources(file.parent)),
    "questions": partial(read_file, name=ANSWERED, load=load_curated),
    "unanswered": partial(read_file, name=UNANSWERED, load=load_curated),
    "gold": partial(read_file, name="g.jsonl", load=lambda file: load_gold(file, FOUR_DOCUMENTS)),
    "lexicon": partial(read_file, name=LEXICON, load=load_words),
    "adapter": partial(read_file, name=DESCRIPTION, load=lambda file: Adapter.load(file.parent)),
    "manifest": partial(read_file, name=MANIFEST, load=lambda file: Manifest.load(file.parent)),
    "answer": read_answer,
    "ask": ask,
    "verify": look_up,
    "export": take_away,
    "api": request_api,
    "page": request_page,
}
