"""A name server of a test's own, on loopback: answers what it was told, and can be told to fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

__all__ = ["Names"]


class Names:
    """`with Names({"example.com TXT": ['"v=spf1 -all"']}) as names:` and ask at `names.where`."""

    def __init__(self, records: Mapping[str, list[str]]) -> None:
        self.records = {name.lower(): values for name, values in records.items()}
        self.silent = False
        """Whether questions are left without an answer that means anything."""
        self.asked: list[str] = []

    def __enter__(self) -> Names:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                wire, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            if wire == b"":
                return
            self._socket.sendto(self._answer(wire), peer)

    def _answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append(f"{name} {kind}")
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if self.silent:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer.to_wire()
        values = self.records.get(f"{name} {kind.lower()}")
        if values:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(known.partition(" ")[0] == name for known in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        # A socket that waits does not notice that it was closed: an empty word tells it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()
