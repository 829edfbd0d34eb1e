"""Hooks of the documentation's build: mathematics without scripts, and a gallery page for every problem.

The site works without the network.  TeX becomes MathML while the site is built, which browsers draw by
themselves, so that no page loads a library for it; links of notebooks to such libraries are taken out.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

from gallery import pages

# What `pymdownx.arithmatex` leaves of TeX in a page, and what stands between dollars in a notebook.
IN_PAGE = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
IN_NOTEBOOK = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?(?:\n[^$\n]+?)?)\$", re.DOTALL)
CODE = re.compile(r"(<(pre|code|script|style|svg)\b.*?</\2>|<img\b[^>]*>)", re.DOTALL)
SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL)
KNOWN = (  # forms of TeX that latex2mathml draws badly, and others that mean the same
    (r"\\operatorname\*?\{", r"\\mathrm{"),
    (r"\\math(\w+) (\w)", r"\\math\1{\2}"),
    (r"\\[bB]igg?[lr]?(?![a-z])", ""),
    (r"\\tfrac", r"\\frac"),
)
ELSEWHERE = re.compile(r"mathjax|mermaid|cdnjs", re.IGNORECASE)


def mathml(tex: str, block: bool) -> str:
    """MathML of a formula in TeX, given as it stands in HTML."""
    tex = html.unescape(tex).strip()
    for written, known in KNOWN:
        tex = re.sub(written, known, tex)
    return str(convert(tex, display="block" if block else "inline"))


def of_notebook(content: str) -> str:
    """HTML of a notebook with its formulas as MathML, without scripts from the web."""
    content = SCRIPT.sub(lambda m: "" if ELSEWHERE.search(m[0]) else m[0], content)
    pieces, end = [], 0
    for code in [*CODE.finditer(content), None]:
        text = content[end : code.start() if code else None]
        pieces.append(IN_NOTEBOOK.sub(lambda m: mathml(m[1] or m[2], bool(m[1])), text))
        if code:
            pieces.append(code[0])
            end = code.end()
    return "".join(pieces)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the gallery, which are made from the problems themselves."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Leave the navigation as it is; pages of the gallery are reached from its table."""
    return nav


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn TeX into MathML."""
    if page.file.src_uri.endswith(".ipynb"):
        return of_notebook(content)
    return IN_PAGE.sub(lambda m: mathml(m[2], m[1] == "div"), content)
