"""What the documents refer to is there: links, tests, and the fields of the GraphQL that they show."""

import re
from pathlib import Path

import pytest

from offboard.documents import Documents

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
HEREDOC = re.compile(r"^ask .*?<<'?END'?\n(.*?)^END$", re.MULTILINE | re.DOTALL)
ON_SOCKETS = re.compile(r"'(subscription \{.*?\})'(?= |$)", re.MULTILINE)
FENCED = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)

EXAMPLES = [
    pytest.param(match[1], id=f"{page.name}:{text.count(chr(10), 0, match.start()) + 1}")
    for page in PAGES
    for text in [page.read_text()]
    for pattern in (HEREDOC, ON_SOCKETS, FENCED)
    for match in pattern.finditer(text)
]


def anchors(page: Path) -> set[str]:
    """The places of a page that a link may point to."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / path).resolve() for path, _ in LINK.findall((ROOT / "README.md").read_text())}
    assert {page for page in PAGES if page.name != "README.md"} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    for path, name in TEST.findall(page.read_text()):
        assert not name or re.search(rf"\bdef {name}\(", (ROOT / path).read_text()), f"{path}::{name}"
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", EXAMPLES)
def test_every_example_is_valid(document: str) -> None:
    assert Documents().prepare(document, None).root_fields


def test_the_readme_shows_the_whole_departure() -> None:
    text = "".join(document.values[0] for document in EXAMPLES if str(document.id).startswith("README"))  # type: ignore[misc]
    for field in ("signIn", "departure", "bulkReassign", "undoBulkReassign", "deactivateUser", "reactivateUser"):
        assert field in text
    for field in ("deleteUser", "auditLog", "sessionRevoked", "userChanged"):
        assert field in text
