"""Let no Python process of a test run reach another machine; write down each that tries.

Python imports this by itself where this folder is on its path, so that every program that a test
starts keeps to it too. What was refused goes to the file that KETQA_REFUSED names, a line each.
"""

import errno
import os
import sys
from ipaddress import ip_address
from typing import Any

DATAGRAM = 2
NAMES = {"", "localhost", "testserver"}
# Which of an event's arguments says where to.
EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0,
          "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}  # fmt: skip


def is_here(place: Any) -> bool:  # noqa: ANN401, an address of any family, or a name
    """Tell whether an address or a name is this machine's."""
    host = place[0] if isinstance(place, tuple) else place
    if host is None or (isinstance(place, str) and place.startswith("/")):
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        # a name; or a socket within this machine, which has a path, or none
        return name in NAMES or name.startswith(("/", "\0"))
    return address.is_loopback or address.is_unspecified


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what leads to another machine."""
    if event not in EVENTS or is_here(arguments[EVENTS[event]]):
        return
    if event == "socket.connect" and arguments[0].type & 0xF == DATAGRAM:
        return  # nothing is sent yet: so a program learns its own address
    where = arguments[EVENTS[event]]
    kept = os.environ.get("KETQA_REFUSED")
    if kept:
        with open(kept, "a", encoding="utf-8") as file:  # noqa: PTH123, pathlib may not be there yet
            file.write(f"{event} {where!r} by {sys.orig_argv[:6]}\n")
    raise OSError(errno.ENETUNREACH, f"no test may reach another machine: {where!r}")


sys.addaudithook(refuse)
