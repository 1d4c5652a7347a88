"""Text of agents, repositories and clusters as parts of a page, escaped, with nothing loaded from outside."""

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from functions.views import links
from functions.views.agent_output import clean

LONGEST = 20_000
"""Most characters of one text on a page; the rest is in the log."""
LINES = 400
"""Most lines of one text on a page."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text, without its end if it is long; `more` says what is missing, for people."""

    text: str
    more: str = ""


def cut(text: str) -> Cut:
    """Return the first LONGEST characters and LINES lines of a text, cleaned."""
    shown = text[:LONGEST]
    lines = shown.split("\n")
    if len(lines) > LINES:
        shown = "\n".join(lines[:LINES])
    missing = len(text) - len(shown)
    return Cut(clean(shown).rstrip("\n"), f"{missing:,} more characters are in the log" if missing else "")


def markdown(text: str) -> Markup:
    """Return Markdown as HTML: no raw HTML, no images, links to http and https only."""
    shortened = cut(text)
    html = _MARKDOWN.render(shortened.text)
    return Markup(html)  # noqa: S704  (markdown-it escapes; raw HTML is off)


def _render_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, index, options, env)


def _render_heading(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Render a heading as a paragraph: the headings of the page are its own."""
    tokens[index].tag = "p"
    if tokens[index].nesting == 1:
        tokens[index].attrSet("class", "heading")
    return renderer.renderToken(tokens, index, options, env)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True}).disable("image")
    parser.validateLink = lambda url: bool(links.external(url))  # type: ignore[method-assign]
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("heading_open", _render_heading)
    parser.add_render_rule("heading_close", _render_heading)
    return parser


_MARKDOWN = _parser()
