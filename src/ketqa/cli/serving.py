"""The commands that answer other programs: serve (the page, HTTP and MCP) and mcp (stdio)."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ketqa.cli.asking import add_reader
from ketqa.cli.terminal import command
from ketqa.cluster.address import folder_of
from ketqa.errors import KetqaError
from ketqa.quiet import keep_quiet


def add_commands(commands: Any) -> None:
    """Declare serve and mcp."""
    serve = command(commands, "serve", _serve, "open the chat page, the HTTP API and MCP")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument(
        "--corpus",
        type=Path,
        metavar="FOLDER",
        help="where the documents lie, to show pages of PDFs (else the folder that was indexed)",
    )
    serve.add_argument(
        "--country", metavar="CODE", help="whose emergency numbers to name: US, DE, ..."
    )
    add_reader(serve)
    serve.add_argument(
        "--log-questions",
        type=Path,
        metavar="FILE",
        help="keep what is asked, for ketqa questions suggest; nothing is kept otherwise",
    )
    serve.add_argument("--port", type=int, default=7860, help="port to listen on (%(default)s)")
    serve.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="the bearer token that the API and MCP ask for (else that in $KETQA_TOKEN; none "
        "where neither is given); the page is open to everyone who can reach it",
    )
    serve.add_argument(
        "--rate-limit",
        metavar="RATE",
        help="how often one client may ask: 60/minute, 5/second, ...",
    )
    serve.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="URL",
        help="a web site whose pages may use the API from a browser; may be given again",
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which this server is called, if a proxy passes it on; may be given again",
    )

    mcp = command(commands, "mcp", _mcp, "serve MCP over stdin and stdout")
    add_reader(mcp)


def _serve(options: argparse.Namespace) -> int:
    from ketqa.index import Index
    from ketqa.manifest import recorded_corpus
    from ketqa.opening import Stages

    with _needing("the server", "app"):
        from ketqa.web.api import build_api
        from ketqa.web.door import Door
        from ketqa.web.guard import Access, read_token
        from ketqa.web.server import build_app, serve
    keep_quiet()
    access = Access(
        read_token(options.token_file),
        options.rate_limit,
        tuple(options.allow_origin),
        tuple(options.allow_host),
    )
    where = f"http://{options.host}:{options.port}"
    print(f"ketqa: opening {where} (stop with Ctrl-C)", file=sys.stderr, flush=True)
    with Index.open(options.index, stages=Stages(reader=options.reader)) as index:
        app = build_app(
            index,
            build_api(index, access, options.host),
            corpus=options.corpus or recorded_corpus(folder_of(options.index)),
            log=options.log_questions,
            country=options.country,
        )
        door = Door(app, access, options.host, app.state.places)
        serve(door, host=options.host, port=options.port)
    return 0


def _mcp(options: argparse.Namespace) -> int:
    from ketqa.index import Index
    from ketqa.opening import Stages

    with _needing("MCP", "mcp"):
        from ketqa.integrations.mcp import build_server
    keep_quiet()
    with Index.open(options.index, stages=Stages(reader=options.reader)) as index:
        build_server(index).run()
    return 0


@contextmanager
def _needing(what: str, extra: str) -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise KetqaError(
            f"{what} needs {error.name}; install it with: pip install 'ketqa[{extra}]'"
        ) from None
