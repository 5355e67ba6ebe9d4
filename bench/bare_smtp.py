"""Bare aiosmtplib: the messages of workload W, built before the clock starts, over as many connections as the engine uses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from time import perf_counter

import aiosmtplib

from bench.floor import Renderer
from bench.workload import address, answers, fields

SENDER = "team@example.com"


def messages(leads: int) -> list[tuple[str, bytes]]:
    """(recipient, message) for each of W's two sends to each lead."""
    renderer = Renderer()
    built = []
    for lead in range(leads):
        for content in ("intro", "deep" if answers("intro", lead) else "swap"):
            subject, html, text = renderer(f"{content}-{lead}", fields(lead))
            message = MIMEMultipart("alternative")
            message["From"], message["To"], message["Subject"] = SENDER, address(lead), subject
            message["Message-ID"] = f"<{content}.{lead}@example.com>"
            message.attach(MIMEText(text, "plain", "utf-8"))
            message.attach(MIMEText(html, "html", "utf-8"))
            built.append((address(lead), message.as_bytes()))
    return built


def send(port: int, outgoing: list[tuple[str, bytes]], *, connections: int) -> float:
    """Seconds for all of them."""
    began = perf_counter()
    asyncio.run(_send(port, iter(outgoing), connections))
    return perf_counter() - began


async def _send(port: int, outgoing: Iterator[tuple[str, bytes]], connections: int) -> None:
    async def session() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False) as smtp:
            await smtp.ehlo()
            for to, message in outgoing:
                await smtp.mail(SENDER)
                await smtp.rcpt(to)
                await smtp.data(message)

    async with asyncio.TaskGroup() as sessions:
        for _ in range(connections):
            sessions.create_task(session())
