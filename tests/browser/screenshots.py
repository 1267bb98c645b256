"""Pictures of every page: ``make screenshots`` (both widths, light, dark and Arabic).

``python -m tests.browser.screenshots [FOLDER] [--only NAME…] [--format png]`` serves the
demo company and writes one picture a page and look, as WebP, with an index beside them.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.support.portal import HOME, Portal, chromium, demo_portal, window
from tests.support.portal_pages import PAGES, Shown

WIDTHS = (1440, 390)
LOOKS = ("light", "dark", "arabic")
HEIGHT = 900
TALLEST = 2600
QUALITY = 55
LANGUAGES = {"arabic": "ar"}
SYSTEM = "system"
AT_WORK = """
from billingsite import tasks
tasks.tick(woken_by="beat")
tasks.minute(woken_by="beat")
tasks.slow_sign_of_life()
"""
"""What the services would do: the page of their state shows them at work."""


def take(folder: Path, *, only: Sequence[str] = (), form: str = "webp") -> list[Path]:
    """Write the pictures into `folder` and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [shown for shown in PAGES if not only or shown.name in only]
    with (
        tempfile.TemporaryDirectory(prefix="tollgate-") as scratch,  # two pages show it
        demo_portal(Path(scratch)) as portal,
        chromium() as browser,
    ):
        portal.url = portal.url.replace("127.0.0.1", "localhost")  # security keys want a name
        return list(_pictures(browser, portal, wanted, folder, form))


def _pictures(
    browser: Browser, portal: Portal, wanted: Sequence[Shown], folder: Path, form: str
) -> Iterator[Path]:
    for look in LOOKS:
        for width in WIDTHS:
            for role in dict.fromkeys(shown.role for shown in wanted):
                page = window(
                    browser,
                    portal,
                    role,
                    language=LANGUAGES.get(look, "en"),
                    viewport={"width": width, "height": HEIGHT},
                    color_scheme="dark" if look == "dark" else "light",
                    reduced_motion="reduce",
                )
                for shown in wanted:
                    if shown.role == role:
                        if shown.name == SYSTEM:
                            portal.manage("shell", "-c", AT_WORK)
                        shown.open(page, portal)
                        path = folder / f"{shown.name}-{width}-{look}.{form}"
                        path.write_bytes(_picture(page, width, form))
                        print(path.name, flush=True)  # noqa: T201 - progress
                        yield path
                page.context.close()


def _picture(page: Page, width: int, form: str) -> bytes:
    """The page from its top, whole up to a height that can still be looked at."""
    page.wait_for_load_state("networkidle")
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), TALLEST)
    clip = {"x": 0, "y": 0, "width": width, "height": max(tall, HEIGHT), "scale": 1}
    session = page.context.new_cdp_session(page)
    options = {"format": form, "clip": clip, "captureBeyondViewport": True}
    if form != "png":
        options["quality"] = QUALITY
    answer = session.send("Page.captureScreenshot", options)
    session.detach()
    return base64.b64decode(answer["data"])


def write_index(folder: Path) -> None:
    """A page of names and links, for reading on the web."""
    lines = ["# Every page", "", "Made by `make screenshots` from the demo company.", ""]
    lines += [
        "| page | wide | wide, dark | wide, Arabic | narrow | narrow, dark | narrow, Arabic |",
        "|---|---|---|---|---|---|---|",
    ]
    for shown in PAGES:
        cells = [
            f"[{width}]({shown.name}-{width}-{look}.webp)" for width in WIDTHS for look in LOOKS
        ]
        lines.append(f"| {shown.name} | {' | '.join(cells)} |")
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HOME / "docs" / "screenshots")
    parser.add_argument("--only", nargs="*", default=(), metavar="NAME")
    parser.add_argument("--format", choices=("webp", "png"), default="webp")
    chosen = parser.parse_args()
    take(chosen.folder, only=chosen.only, form=chosen.format)
    if not chosen.only:
        write_index(chosen.folder)


if __name__ == "__main__":
    main()
