"""A real Milvus with a certificate of its own is asked over TLS, by whoever names the certificate."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ketqa.index import Index
from milvus import SERVER, Standalone
from test_cluster import without_numbers

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not SERVER, reason="the server is not here; make cluster brings it"),
]
QUESTION = "How long did relief last?"
# As docs/cluster.md names it to whoever has a certificate that no authority signed.
ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody but itself signed; its key lies beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for_here = ["-subj", "/CN=ketqa", "-addext", "subjectAltName=IP:127.0.0.1"]
    to = ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.pem")]
    subprocess.run([*new, *for_here, *to], check=True, capture_output=True)
    return folder / "server.pem"


@pytest.fixture(scope="module")
def server(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    settings = {
        "COMMON_SECURITY_TLSMODE": "1",
        "TLS_SERVERPEMPATH": str(certificate),
        "TLS_SERVERKEYPATH": str(certificate.with_suffix(".key")),
    }
    with Standalone(tmp_path_factory.mktemp("tls"), settings) as started:
        yield started


def ketqa(*arguments: str, roots: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: certificates are read once in each."""
    named = {ROOTS: str(roots)} if roots else {}
    command = Path(sys.executable).with_name("ketqa")
    return subprocess.run(
        [command, *arguments], env=os.environ | named, capture_output=True, text=True, check=False
    )


def test_the_server_is_asked_over_tls_where_its_certificate_is_named_and_else_not_at_all(
    server: Standalone, certificate: Path, small_index: Path
) -> None:
    address = server.address("locked", small_index, tls=1)
    corpus = str(small_index.parent / "corpus")
    built = ketqa("index", "--corpus", corpus, "--index", address, roots=certificate)
    assert built.returncode == 0, built.stderr
    asked = ketqa("ask", QUESTION, "--json", "--index", address, roots=certificate)
    assert asked.returncode == 0, asked.stderr
    with Index.open(small_index) as here:
        expected = here.ask(QUESTION).to_dict()
    assert without_numbers(json.loads(asked.stdout)) == without_numbers(expected)
    for other, roots in ((address, None), (server.address("locked", small_index), certificate)):
        refused = ketqa("ask", QUESTION, "--index", other, roots=roots)
        assert refused.returncode == 1
        told = refused.stderr.splitlines()[-1]  # gRPC says before it what was wrong
        assert told.startswith(
            f"ketqa: the search engine at milvus://127.0.0.1:{server.port}/locked"
        )
