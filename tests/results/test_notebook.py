"""A solution in a notebook: a table with the picture inside, and nothing of a name becomes HTML."""

import base64
import re
from html.parser import HTMLParser

import pytest

from sapts_pinn.results import notebook
from sapts_pinn.results.notebook import notebook_html


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def html(monkeypatch):
    monkeypatch.setattr(notebook, "plot_solution", lambda _, path: path.write_bytes(b"picture") and path)
    lines = [
        "<b>ring</b> & co by tr: ended",
        "  relative L2 error  1.0e-03   (reference: x < y)",
        "  loss     2",
    ]
    return notebook_html(None, lines)


def test_lines_become_rows(html):
    seen = Seen()
    seen.feed(html)
    assert seen.tags == ["div", "p", "b", "table", *["tr", "th", "td"] * 2, "img"]
    title = "<b>ring</b> & co by tr: ended"
    assert seen.text == [title, "relative L2 error", "1.0e-03   (reference: x < y)", "loss", "2"]


def test_the_picture_is_inside(html):
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(data) == b"picture" and "http" not in html
