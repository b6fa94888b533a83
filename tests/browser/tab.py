"""One tab of a browser, and all that it would complain about: errors, refused loads, requests to other places."""

from __future__ import annotations

import re
import time

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request

_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_FOCUS = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect();
    const inner = at.querySelector(".hit");
    const line = getComputedStyle(at);
    return {
        outlined: line.outlineStyle !== "none" && parseFloat(line.outlineWidth) >= 2,
        stroked: !!inner && getComputedStyle(inner).stroke !== "none",
        shown: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        what: at.outerHTML.slice(0, 160),
    };
}"""


class Tab:
    """`page` in a context of its own. `complaints` are what a browser says is wrong with what it was sent, as are
    violations of the content security policy, and what a page asked of any other server. `refusals` are statuses
    that a test provokes."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.refusals: set[int] = set()
        self._origin = origin
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))
        context.on("request", self._asked)
        context.on("dialog", self._alerted)
        self.page: Page = context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        status = _STATUS.match(message.text)
        if message.type in ("error", "warning") and not (status and int(status[1]) in self.refusals):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", "about:")):
            self.complaints.append(f"outside: {request.url}")

    def _alerted(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def hears(self, words: str, seconds: float = 60) -> bool:
        """Whether such a complaint comes, now or within this time."""
        end = time.monotonic() + seconds
        while not (found := words in "\n".join(self.complaints)) and time.monotonic() < end:
            self.page.wait_for_timeout(50)
        return found

    def go(self, path: str) -> Page:
        """The page at a path of the server, once it is loaded."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.ok or answer.status in self.refusals, (path, answer.status)
        return self.page

    def tab_to(self, wanted: Locator, most: int = 80) -> None:
        """Press Tab until this has the focus, which has to be seen wherever it goes."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                self.see_focus()
                return
            self.see_focus()
        raise AssertionError(f"{most} times Tab do not lead to {wanted}")

    def see_focus(self) -> None:
        """Whoever has the focus shows it, where it can be seen."""
        at = self.page.evaluate(_FOCUS)
        assert at is None or ((at["outlined"] or at["stroked"]) and at["shown"]), at
