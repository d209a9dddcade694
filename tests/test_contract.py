"""One contract: the same questions through every surface give the same answers.

Python is the measure. The others give its JSON, but for how long it took; the page, which is
for people, and the adapters, which are for frameworks, give its quotes with their places.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from playwright.sync_api import Browser

from browsing import ask
from conftest import apart
from ketqa.cli import main
from ketqa.index import Index
from ketqa.integrations.haystack import KetqaRetriever as HaystackRetriever
from ketqa.integrations.langchain import KetqaRetriever as LangChainRetriever
from ketqa.integrations.llama_index import KetqaRetriever as LlamaRetriever
from ketqa.types import Answer

pytestmark = [pytest.mark.model, pytest.mark.browser]

# Answered, nearly answered, not answered; misspelt, a follow-up, a greeting, a notice, a repeat.
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("How long did relief last?", ()),
    ("How many workdays do American workers miss due to migraines?", ()),
    ("is it addictive", ()),
    ("what happens next", ()),
    ("who won the world cup in 2018", ()),
    ("what are the side effcts of ketamin infusions", ()),
    ("and did the benefit last?", ("What did the pilot study find?",)),
    ("hello", ()),
    ("Should I stop taking my triptan before the infusion?", ()),
    ("<b>Is *ketamine* “approved” by the FDA?</b>", ()),
)
QUOTES = (
    "relief lasted for up to 3 weeks with minimal side effects",
    "RELIEF\u00a0lasted for up to 3 weeks",
    "relief lasted for up to 3 years",
)


@pytest.fixture(scope="module")
def expected(index: Index) -> list[dict[str, Any]]:
    return [
        timeless(index.ask(question, history=history).to_dict()) for question, history in QUESTIONS
    ]


def timeless(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs each time; the order of the fields stays."""
    assert set(table.pop("timings_ms")) == {"search", "read", "total"}
    return table


def as_bytes(tables: list[dict[str, Any]]) -> str:
    return json.dumps(tables, ensure_ascii=False)


def quotes(items: list[dict[str, Any]]) -> list[tuple[str, str, int, int]]:
    """Return (quote, file, start, end) of each."""
    return [
        (item["quote"], item["source"]["file"], item["span"]["start"], item["span"]["end"])
        for item in items
    ]


def test_the_questions_bring_every_kind_of_answer(expected: list[dict[str, Any]]) -> None:
    assert {answer["status"] for answer in expected} == {"evidence", "related", "no_evidence"}
    for field in ("notices", "changes", "reply"):
        assert any(answer[field] for answer in expected), field
    kinds = {one["kind"] for answer in expected for one in answer["changes"]}
    assert kinds >= {"spelling", "follow-up", "lay"}
    assert any(item["also_at"] for answer in expected for item in answer["evidence"])


def test_python_gives_it_back_from_its_json(expected: list[dict[str, Any]]) -> None:
    again = [
        Answer.from_dict(json.loads(json.dumps(table | {"timings_ms": {}}))) for table in expected
    ]
    assert [table.to_dict() | {"timings_ms": 0} for table in again] == [
        table | {"timings_ms": 0} for table in expected
    ]


def test_the_command_line_gives_the_same_bytes(
    index_folder: Path,
    tmp_path: Path,
    expected: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "questions.jsonl"
    rows = [{"id": "q", "question": text, "history": list(before)} for text, before in QUESTIONS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["ask", "--questions", str(file), "--json", "--index", str(index_folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert as_bytes([timeless(json.loads(line)["answer"]) for line in lines]) == as_bytes(expected)


def test_http_gives_the_same_bytes(address: str, expected: list[dict[str, Any]]) -> None:
    found = [
        httpx2.post(f"{address}/v1/ask", json={"question": text, "history": before}).json()
        for text, before in QUESTIONS
    ]
    assert as_bytes(list(map(timeless, found))) == as_bytes(expected)


def test_mcp_gives_the_same_bytes(address: str, expected: list[dict[str, Any]]) -> None:
    async def found() -> list[dict[str, Any]]:
        tables = []
        async with Client(f"{address}/mcp") as client:
            for text, before in QUESTIONS:
                asked = {"question": text, "history": list(before)}
                result = await client.call_tool("ask", asked)
                assert result.structured_content is not None
                tables.append(timeless(result.structured_content["answer"]))
        return tables

    assert as_bytes(apart(found)) == as_bytes(expected)


def test_the_page_shows_the_same_quotes(
    browser: Browser, address: str, expected: list[dict[str, Any]]
) -> None:
    for (question, history), answer in zip(QUESTIONS, expected, strict=True):
        with browser.new_page() as page:
            page.goto(address)
            for text in (*history, question):
                ask(page, text)
            shown: dict[int, tuple[str, str | None, int, int]] = {}
            for card in page.locator("section.answer").last.get_by_role("article").all():
                ranked = re.match(r"Quote (\d+) of", card.get_attribute("aria-label") or "")
                mark = card.locator("[data-start]")
                if ranked:  # what speaks against them stands beside them, without a rank
                    shown[int(ranked[1])] = (
                        mark.evaluate("element => element.textContent"),
                        mark.get_attribute("data-file"),
                        int(mark.get_attribute("data-start") or -1),
                        int(mark.get_attribute("data-end") or -1),
                    )
        quoted = quotes(answer["evidence"] or answer["related"])
        assert shown == dict(enumerate(quoted, start=1)), question


def test_the_adapters_give_the_same_quotes(
    index: Index, index_folder: Path, expected: list[dict[str, Any]]
) -> None:
    langchain, llama = LangChainRetriever(index=index), LlamaRetriever(index)
    haystack = HaystackRetriever(index=str(index_folder))
    for (question, history), answer in zip(QUESTIONS, expected, strict=True):
        if history:  # a retriever takes one question, and no chat
            answer = index.ask(question).to_dict()  # noqa: PLW2901
        asked = question
        found = [
            [{"quote": one.page_content, **one.metadata} for one in langchain.invoke(asked)],
            [{"quote": one.text, **one.metadata} for one in llama.retrieve(asked)],
            [{"quote": one.content, **one.meta} for one in haystack.run(asked)["documents"]],
        ]
        known = {"status": answer["status"], "index": answer["index"]}
        for items in found:
            assert items == [item | known for item in answer["evidence"]], question


def test_each_surface_looks_a_quotation_up_alike(
    index: Index, index_folder: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [index.verify_quote(text).to_dict() for text in QUOTES]
    assert [table["status"] for table in tables] == ["exact", "equal", "absent"]
    for text in QUOTES:
        main(["verify", "--quote", text, "--json", "--index", str(index_folder)])
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    served = [httpx2.post(f"{address}/v1/verify", json={"text": text}).json() for text in QUOTES]

    async def found() -> list[dict[str, Any]]:
        async with Client(f"{address}/mcp") as client:
            results = [await client.call_tool("verify_quote", {"text": text}) for text in QUOTES]
        return [
            result.structured_content["lookup"] for result in results if result.structured_content
        ]

    assert as_bytes(printed) == as_bytes(tables)
    assert as_bytes(served) == as_bytes(tables)
    assert as_bytes(apart(found)) == as_bytes(tables)
