"""The report of a run, one page that loads nothing."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from pictured import SMALL, ring
from sapts_pinn import solve
from sapts_pinn.results.comparison import compare_folders
from sapts_pinn.results.report import FILES, write_comparison, write_report


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

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_with_everything(tmp_path):
    folder = tmp_path / "run"
    solution = solve(ring(), out=folder, **{**SMALL, "budget": "6 iterations"})
    solution.plot(folder / "solution.png")
    text = write_report(folder).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open and page.tags.count("script") == 1 and not {"link", "iframe", "b"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import", text), "nothing is loaded"
    links = re.findall(r"""(?:src|href)=["'](?!data:)([^"']*)""", text)
    assert {link for link in links if not link.startswith("#")} <= set(FILES)
    ids = set(re.findall(r'<section id="(\w+)"', text))
    assert {link[1:] for link in links if link.startswith("#")} == ids, "the contents list what is there"
    assert "&lt;b&gt;ring&lt;/b&gt; &amp; co by tr" in text
    (picture,) = [base64.b64decode(image.removeprefix("data:image/png;base64,")) for image in page.images]
    assert picture == (folder / "solution.png").read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert config["versions"]["torch"] in text and "exact, by construction" in text
    assert config["machine"]["processor"].split("<")[0] in text
    assert "<math" in text and page.tags.count("polyline") >= 4
    shown = re.sub(r"<script>.*?</script>|<style>.*?</style>|data-curves=[^>]+", "", text, flags=re.DOTALL)
    assert "{" not in shown and not re.search(r"\d\.\d{7}", shown), "no raw JSON, and no long numbers"


NUMBERS = (  # of result.json, by names
    "symmetry", "coefficients", "standard_errors", "numerical_errors", "quantities", "earnings",
)  # fmt: skip
EVIL = "<script>alert(1)</script>"


def poisoned(value):
    """Copy of some content with a script in every text, and in every name that is free."""
    if isinstance(value, dict):
        return {key: poisoned(inner) for key, inner in value.items()} | {EVIL: EVIL}
    if isinstance(value, list):
        return [*map(poisoned, value), EVIL]
    return f"{value}{EVIL}" if isinstance(value, str) else value


def test_whatever_a_run_folder_says_is_escaped(tmp_path):
    folder = tmp_path / "run"
    solve(ring(), out=folder, **{**SMALL, "budget": "3 iterations"})
    for name in ("config.json", "result.json"):
        content = json.loads((folder / name).read_text())
        kept = {
            "error_estimate": content.get("error_estimate"),
            "audit": content.get("audit"),
            **dict.fromkeys(NUMBERS),
        }
        (folder / name).write_text(json.dumps(poisoned(content) | kept))
    (folder / "scene.html").write_text(f"<p>{EVIL}</p>")
    (folder / "sample.txt").write_text(EVIL)
    text = write_report(folder).read_text(encoding="utf-8")
    assert EVIL not in text and text.count("&lt;script&gt;") > 10
    assert 'sandbox="allow-scripts" srcdoc="&lt;p&gt;' in text, "a scene cannot reach the page around it"


def test_a_run_of_an_earlier_version_has_its_report(tmp_path):
    folder = tmp_path / "run"
    solve(ring(), out=folder, **{**SMALL, "budget": "3 iterations"})
    config = json.loads((folder / "config.json").read_text())
    for name in ("statement", "machine"):
        del config[name]
    (folder / "config.json").write_text(json.dumps(config))
    text = write_report(folder).read_text(encoding="utf-8")
    assert "exact, by construction" in text and "<math" not in text


def test_parts_have_a_table(tmp_path):
    folder = tmp_path / "run"
    solve(ring(), out=folder, method="sapts-d", **{**SMALL, "budget": "4 iterations"})
    text = write_report(folder).read_text(encoding="utf-8")
    assert '<section id="parts">' in text and "sweeps over the parts were taken" in text
    assert len(re.findall(r"<tr><td>[12]</td>", text)) == 2


def test_a_comparison_is_a_page_with_links_to_the_reports(tmp_path):
    for name in ("a", "b <i>"):
        solve(ring(), out=tmp_path / name, **{**SMALL, "budget": "3 iterations", "seed": len(name)})
        write_report(tmp_path / name)
    found = compare_folders([tmp_path / "a", tmp_path / "b <i>"])
    text = write_comparison(found, tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert 'href="./a/report.html"' in text and 'href="./b%20%3Ci%3E/report.html"' in text
    assert "<i>" not in text and text.count("<polyline") == 2 and '<th scope="row">seed</th>' in text


def test_a_report_needs_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"has no config.json"):
        write_report(tmp_path)
