"""Over four small documents: nothing beside them is told, and no page may run a script of theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import TopicEncoder, page_of
from ketqa.build import build_index
from ketqa.index import Index
from ketqa.manifest import current_build
from ketqa.models import ModelFolder

TOPICS = ModelFolder("topics", Path("topics"), "0" * 64)
UNTOLD = "Nobody outside may read this."
PAGES = ("/", "/es/", "/sources", "/documents/pain.txt", "/print?q=pain", "/page/page.css", "/no")
READING = ("/v1/documents", "/documents", "/read", "/nearby", "/words", "/printed", "/pictures")


@pytest.fixture
def client(four_documents: Path, tmp_path: Path) -> Iterator[TestClient]:
    build_index(four_documents, tmp_path / "index", TOPICS, tokens=8, encoder=TopicEncoder())
    (tmp_path / "secret.txt").write_text(UNTOLD)
    with (
        Index(current_build(tmp_path / "index"), TopicEncoder()) as index,
        TestClient(page_of(index, four_documents), base_url="http://localhost") as opened,
    ):
        yield opened


def test_every_page_says_what_it_may_load_and_run(client: TestClient) -> None:
    for path in PAGES:
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))  # fmt: skip
        assert policy["default-src"] == "'none'", path
        assert policy.get("script-src", "'self'") in {"'self'", "'self' 'unsafe-eval'"}, path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path


@pytest.mark.parametrize("folder", READING)
def test_no_file_is_opened_by_its_name(client: TestClient, tmp_path: Path, folder: str) -> None:
    whole = str(tmp_path / "secret.txt")
    for name in ("../secret.txt", "..%2Fsecret.txt", whole, whole.replace("/", "%2F")):
        answer = client.get(f"{folder}/{name}")
        assert UNTOLD not in answer.text
        assert answer.status_code in {404, 405, 422}, name
