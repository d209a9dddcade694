"""Many people at the page for minutes: what they wait for, what fails, what the server keeps.

    python benchmarks/load.py [--people 50] [--minutes 10] [--crowd 400] [--write PAGE]

Each person opens the page, holds its connection open as a browser does, thinks for a few seconds,
asks, thinks again, and after some questions leaves and comes back. Then a crowd asks all at the
same time, once each. The people share the machine with ``ketqa serve``, which they wait for.
"""

import argparse
import asyncio
import json
import random
import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import fmean

import httpx

from ketqa.evaluation.page import write_part
from page import QUESTIONS, number_of_ask, started

# Seconds that a person thinks before a question, and questions before leaving.
THINKING, VISIT = (2.0, 8.0), 6
# Seconds between two looks at the server's memory; the first tenth of the time is for warming up.
LOOK, WARM = 5.0, 0.1
TIMEOUT = httpx.Timeout(60)
# Made once: it takes longer than all that a person does, and nothing is encrypted here.
CERTIFICATES = ssl.create_default_context()
CHANCE = random.Random(50)  # noqa: S311, no secret


@dataclass
class Seen:
    """Seconds of each answer and of each "busy", what failed, and the server's memory in MB."""

    answered: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def ask(client: httpx.AsyncClient, number: int, session: str, seen: Seen) -> None:
    """Ask one question by the page's own queue, and note how long that took."""
    start = time.perf_counter()
    asked = {
        "fn_index": number,
        "data": [CHANCE.choice(QUESTIONS), False, [], ""],
        "session_hash": session,
    }
    try:
        joined = await client.post("/gradio_api/queue/join", json=asked)
        if joined.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            seen.busy.append(time.perf_counter() - start)
            return
        joined.raise_for_status()
        wrong = await answer(client, session)
    except httpx.HTTPError as error:
        wrong = repr(error)
    if wrong:
        seen.wrong.append(wrong)
    else:
        seen.answered.append(time.perf_counter() - start)


async def answer(client: httpx.AsyncClient, session: str) -> str:
    """Wait for an answer; returns what is wrong with it, nothing where it is well."""
    path = f"/gradio_api/queue/data?session_hash={session}"
    text = ""
    async with client.stream("GET", path) as events:
        async for line in events.aiter_lines():
            text += line
            message = json.loads(line[6:]) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                whole = message["success"] and "answer done" in text
                return "" if whole else f"no answer: {line[:200]}"
    return "the connection ended before the answer"


async def person(address: str, number: int, until: float, seen: Seen) -> None:
    """Come, ask, leave and come back until the time is over."""
    while time.monotonic() < until:
        async with coming(address) as client:
            session = secrets.token_hex(8)
            await client.get("/")
            beat = asyncio.create_task(stay(client, session))
            for _ in range(VISIT):
                await asyncio.sleep(CHANCE.uniform(*THINKING))
                if time.monotonic() < until:
                    await ask(client, number, session, seen)
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)


async def stay(client: httpx.AsyncClient, session: str) -> None:
    """Hold the connection that an open page holds."""
    async with client.stream("GET", f"/gradio_api/heartbeat/{session}", timeout=None) as beats:
        async for _ in beats.aiter_bytes():
            pass


async def watch(process: int, until: float, seen: Seen) -> None:
    """Note the server's memory now and then."""
    while time.monotonic() < until:
        seen.memory.append(resident(process))
        await asyncio.sleep(LOOK)


def resident(process: int) -> float:
    """Return the memory that a process has in RAM, in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) * 1024 / 1e6


async def many(address: str, process: int, people: int, minutes: float) -> Seen:
    """Let many people use the page for some minutes."""
    seen, until = Seen(), time.monotonic() + 60 * minutes
    number = number_of_ask(address)
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(process, until, seen))
        for _ in range(people):
            group.create_task(person(address, number, until, seen))
    return seen


async def crowd(address: str, people: int) -> Seen:
    """Let many people ask at the same time, once each."""
    seen, number = Seen(), number_of_ask(address)

    async def one() -> None:
        async with coming(address) as client:
            await ask(client, number, secrets.token_hex(8), seen)

    async with asyncio.TaskGroup() as group:
        for _ in range(people):
            group.create_task(one())
    return seen


def coming(address: str) -> httpx.AsyncClient:
    """Return somebody's browser: a pool for all would take long to find each a connection."""
    return httpx.AsyncClient(base_url=address, timeout=TIMEOUT, verify=CERTIFICATES)


def at(times: Sequence[float], share: float) -> str:
    """Return the time that this share of all took at most."""
    return f"{sorted(times)[int(share * (len(times) - 1))]:.2f} s" if times else "none"


def told(seen: Seen, people: int, minutes: float) -> list[tuple[str, str]]:
    """Return the figures of the people, each with its name."""
    warm = seen.memory[int(WARM * len(seen.memory)) :]
    size = -(-len(warm) // 4)
    quarters = [f"{fmean(warm[low : low + size]):.0f}" for low in range(0, len(warm), size)]
    return [
        ("people, minutes", f"{people}, {minutes:g}"),
        ("answers", f"{len(seen.answered):,}"),
        ("told that it is busy", f"{len(seen.busy)}"),
        ("errors", f"{len(seen.wrong)}"),
        ("p50, p95, p99 of an answer", ", ".join(at(seen.answered, s) for s in (0.5, 0.95, 0.99))),
        ("slowest answer", at(seen.answered, 1)),
        ("server's memory, by quarters", f"{', '.join(quarters)} MB"),
        ("server's memory, most", f"{max(seen.memory):.0f} MB"),
    ]


def told_of_crowd(seen: Seen, people: int) -> list[tuple[str, str]]:
    """Return the figures of a crowd, each with its name."""
    return [
        ("a crowd that asks at once", f"{people}"),
        ("... answered, told that it is busy, errors",
         f"{len(seen.answered)}, {len(seen.busy)}, {len(seen.wrong)}"),
        ("... slowest answer, slowest “busy”", f"{at(seen.answered, 1)}, {at(seen.busy, 1)}"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", default="index")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--crowd", type=int, default=400)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    with started(options.index) as (address, process):
        seen = asyncio.run(many(address, process.pid, options.people, options.minutes))
        at_once = asyncio.run(crowd(address, options.crowd))
    rows = [*told(seen, options.people, options.minutes), *told_of_crowd(at_once, options.crowd)]
    text = "\n".join(["| | |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in rows)])
    print(text, *sorted(set(seen.wrong + at_once.wrong)), sep="\n")
    if options.write:
        write_part(options.write, "load", text)


if __name__ == "__main__":
    main()
