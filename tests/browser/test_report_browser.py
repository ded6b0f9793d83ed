"""The reviewer's page in a real browser without a network: it loads, fits, prints, and can be read by everybody."""

import re
import shutil
from itertools import combinations, pairwise

import pytest

import report_samples as samples
from sdc.report.page import page

PAGES = {"passing": samples.passing_records, "failing": samples.failing_counts, "wide": samples.wide}
PHONE, TABLET, DESK = 390, 768, 1280


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; skips with the reason where it, or its driver, is absent."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is absent: install the extra `dev`")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with driver.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory) -> dict[str, str]:
    """Each page as a file, by its name."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name, documents in PAGES.items():
        path = folder / f"{name}.html"
        path.write_text(page(**documents()), encoding="utf-8")
        found[name] = path.as_uri()
    return found


@pytest.fixture
def visit(chromium, addresses):
    """Open a page at a width and in a colour scheme, with no network; notes what it asks for and complains about."""
    contexts = []

    def open_(name: str, width: int = DESK, scheme: str = "light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        tab = context.new_page()
        tab.asked, tab.complaints = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.goto(addresses[name])
        return tab

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_it_loads_alone_and_without_complaint(visit, addresses, name):
    tab = visit(name)
    assert [url for url in tab.asked if not url.startswith("data:")] == [addresses[name]]
    assert tab.complaints == []


@pytest.mark.parametrize(("name", "verdict"), [("passing", "Passes"), ("failing", "Does not pass")])
def test_the_verdict_is_seen_without_scrolling(visit, name, verdict):
    for width in (PHONE, DESK):
        box = visit(name, width).get_by_role("heading", name=verdict, exact=True).bounding_box()
        assert 0 < box["y"] < 500


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_visible_and_in_order(visit, name):
    tab = visit(name)
    for title in ("What was asked", "Promises", "Risk before and after", "What was done", "What was lost"):
        assert tab.get_by_role("heading", name=title, exact=True).is_visible()
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("width", [320, PHONE, TABLET, DESK])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_folded_or_open(visit, name, width):
    tab = visit(name, width)
    sticking_out = """() => [...document.querySelectorAll('body *')].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width > 1 && box.right > innerWidth + 1 && !e.closest('.skip, .unseen, thead');
    }).map(e => e.outerHTML.slice(0, 90))"""
    clipped = """() => [...document.querySelectorAll('.figures div, .outcome, td, th')].filter(e =>
        e.scrollWidth > e.clientWidth + 1 && !e.closest('thead')).map(e => e.textContent)"""
    for _ in ("folded", "open"):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(sticking_out) == []
        assert tab.evaluate(clipped) == []
        tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("name", ["passing", "failing"])
def test_words_in_pictures_stand_clear_of_each_other_and_inside(visit, name):
    tab = visit(name)
    pictures = tab.evaluate(
        """[...document.querySelectorAll('figure svg')].map(svg => {
            const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
            return {frame: box(svg), words: [...svg.querySelectorAll('text')].map(t => [t.textContent, box(t)])};
        })"""
    )
    assert pictures
    for picture in pictures:
        left, top, right, bottom = picture["frame"]
        for word, (x0, y0, x1, y1) in picture["words"]:
            assert x0 >= left - 1, word
            assert y0 >= top - 1, word
            assert x1 <= right + 1, word
            assert y1 <= bottom + 1, word
        for (one, a), (other, b) in combinations(picture["words"], 2):
            wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            assert wide <= 1 or high <= 4, f"{one} on {other}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_before_and_after_differ_in_greyscale(visit, scheme):
    """WCAG's contrast between the two fills is 3 or more, so that they differ without any colour."""
    tab = visit("passing", scheme=scheme)
    fills = tab.evaluate(
        """[...document.querySelectorAll('figure svg path')].map(p =>
            [p.getAttribute('style'), getComputedStyle(p).fill])"""
    )
    before = next(fill for style, fill in fills if "--before," in style)
    after = next(fill for style, fill in fills if "fill: var(--after," in style)
    assert contrast(before, after) >= 3


def contrast(one: str, other: str) -> float:
    """WCAG contrast of two `rgb(r, g, b)` colours."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_folded_parts_open_from_the_keyboard(visit):
    tab = visit("wide")
    fold = tab.query_selector("details:not([open]) > summary")
    fold.focus()
    tab.keyboard.press("Enter")
    assert fold.evaluate("s => s.parentElement.open")


def test_pictures_and_tables_have_names(visit):
    tab = visit("passing")
    assert tab.evaluate(
        "[...document.querySelectorAll('figure svg')].every(s => s.getAttribute('aria-label').length > 20)"
    )
    assert tab.evaluate("[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim())")
    assert tab.evaluate("[...document.querySelectorAll('th')].every(th => th.scope)")
    assert tab.get_by_role("table").count() >= 4


@pytest.mark.parametrize("name", ["passing", "wide"])
def test_it_prints_on_a4_with_nothing_folded_away(visit, name):
    tab = visit(name)
    paper = tab.pdf(prefer_css_page_size=True, print_background=True)
    assert paper.startswith(b"%PDF")
    sizes = set(re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", paper))
    assert {(round(float(w)), round(float(h))) for w, h in sizes} == {(595, 842)}
    tab.emulate_media(media="print")
    hidden = tab.evaluate(
        """[...document.querySelectorAll('details:not([open]) li, details:not([open]) td')]
            .filter(e => e.getBoundingClientRect().height === 0).length"""
    )
    assert hidden == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["passing", "failing"])
def test_axe_finds_no_barrier(visit, name, width, scheme):
    """WCAG 2.2 A and AA, and the best practices of axe-core, with every fold open."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is absent: install the extra `dev`"
    )
    tab = visit(name, width, scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = axe.Axe().run(tab).response["violations"]
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in found] == []
