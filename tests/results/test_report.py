"""The report of a run, one page that loads nothing."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from pictured import SMALL, ring
from sapts_pinn import solve
from sapts_pinn.results.report import write_report


class Page(HTMLParser):
    """Tags and attributes of a page, and whether they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_with_everything(tmp_path):
    folder = tmp_path / "run"
    solution = solve(ring(), out=folder, **{**SMALL, "budget": "6 iterations"})
    solution.plot(folder / "solution.png")
    text = write_report(folder).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open and not {"script", "link", "iframe", "b"} & set(page.tags)
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?://|url\(""", text), "nothing is loaded"
    assert "&lt;b&gt;ring&lt;/b&gt; &amp; co by tr" in text
    assert len(page.images) == 2
    pictures = [base64.b64decode(image.removeprefix("data:image/png;base64,")) for image in page.images]
    assert pictures[0] == (folder / "solution.png").read_bytes() and pictures[1].startswith(b"\x89PNG")
    config = json.loads((folder / "config.json").read_text())
    assert config["versions"]["torch"] in text and "exact, by construction" in text


def test_a_report_needs_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"has no config.json"):
        write_report(tmp_path)
