"""A headless browser for the tests of pages: a console's trouble, a dialog, a request off the site fail the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")


@contextmanager
def launched() -> Iterator[Any]:
    """A browser; where there is none the test is skipped, but in CI."""
    if "CI" not in os.environ and CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api") if "CI" not in os.environ else _playwright()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(width: int = 1400, scheme: str = "light", scripts: bool = True) -> Iterator[Any]:
    """A page of a browser, to be sent to a file:// address."""
    said: list[str] = []
    with launched() as browser:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        page = context.new_page()
        page.set_default_timeout(60_000)  # the machine may be busy
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))

        def refuse(dialog: Any) -> None:
            said.append(f"a dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", refuse)
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else said.append(r.url))
        yield page
    assert not said, "\n".join(said)


def _playwright() -> Any:
    from playwright import sync_api

    return sync_api
