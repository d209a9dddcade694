"""Real files, made by the programs' own libraries, for the tests of what reads them."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

LEAFLET = (
    ("Before you take it", "Tell your doctor if you have high blood pressure. Do not drive that day."),
    ("How long it lasts", "In half of the people the relief lasted for three weeks. It then came back."),
    ("What it costs", "One infusion costs about 400 dollars. Insurance mostly does not pay for it."),
)  # fmt: skip


def make_pdf(
    pages: Sequence[Sequence[tuple[str, str]]] = (LEAFLET,),
    *,
    head: str = "",
    width: float = 0,
    title: str = "A leaflet",
) -> bytes:
    """Return a PDF with a heading in bold and a paragraph for each pair, ``width`` in mm."""
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_auto_page_break(auto=False)
    pdf.set_title(title)
    pdf.set_author("A. Writer")
    for number, page in enumerate(pages, start=1):
        pdf.add_page()
        if head:
            pdf.set_font("helvetica", size=8)
            pdf.cell(text=f"{head} {number}", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(6)
        for heading, words in page:
            if heading:
                pdf.set_font("helvetica", style="B", size=14)
                pdf.cell(text=heading, new_x="LMARGIN", new_y="NEXT")
            pdf.set_font("helvetica", size=11)
            pdf.multi_cell(w=width, text=words, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(4)
    return bytes(pdf.output())


def make_scan(pages: int = 2) -> bytes:
    """Return a PDF of pictures alone."""
    from fpdf import FPDF
    from PIL import Image

    pdf = FPDF()
    for _ in range(pages):
        pdf.add_page()
        pdf.image(Image.new("L", (200, 300), 200), w=100)
    return bytes(pdf.output())


def make_blank_pages(pages: int) -> bytes:
    """Return a PDF of so many empty pages, by hand: quick, however many there are."""
    kids = " ".join(f"{number} 0 R" for number in range(3, pages + 3))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>",
        *["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"] * pages,
    ]
    out, places = BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, 2)
    for number, words in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{words}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{place:010} 00000 n \n" for place in places).encode())
    out.write(
        f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    )
    return out.getvalue()


def make_docx(
    paragraphs: Sequence[tuple[str, str]] = LEAFLET, *, title: str = "A leaflet"
) -> bytes:
    """Return a Word file with a heading and a paragraph for each pair."""
    import docx

    document = docx.Document()
    document.core_properties.title = title
    document.core_properties.author = "A. Writer"
    for heading, words in paragraphs:
        document.add_heading(heading, level=1)
        document.add_paragraph(words)
    made = BytesIO()
    document.save(made)
    return made.getvalue()


def make_bomb(mebibytes: int) -> bytes:
    """Return a Word file whose text unpacks to so many MiB of blanks."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        with package.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(mebibytes):
                part.write(b" " * (1 << 20))
    return made.getvalue()


PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>A leaflet | Pain Clinic</title>
<meta name="author" content="Jane Roe"><meta property="og:site_name" content="Pain Clinic">
<meta property="article:published_time" content="2021-03-04T10:00:00Z">
<link rel="canonical" href="https://example.org/leaflet"><script>fetch("https://example.org")</script>
</head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About our clinic</a></li></ul></nav>
<div class="cookie-banner">We use cookies to improve your experience.</div>
<article><h1>A leaflet</h1>
<p>Ketamine is <b>an anaesthetic</b> that <a href="/doctors">doctors</a> use. It&nbsp;helped 3 &lt; 5 people.</p>
<h2>How long it lasts</h2><p>In half of the people the relief
lasted for three weeks. It then came back.</p>
<ul><li>It can make you <i>dizzy</i>.</li><li>It can raise your blood pressure.</li></ul>
<p>Ask your doctor before you take anything. This page is no advice for you alone.</p></article>
<footer>Copyright 2024 Pain Clinic. All rights reserved.</footer></body></html>
"""

ARTICLE = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS" "JATS-archivearticle1.dtd">
<article article-type="research-article" xml:lang="en" xmlns:xlink="http://www.w3.org/1999/xlink">
<front><journal-meta><journal-title-group><journal-title>Journal of Pain</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="pmid">1</article-id><article-id pub-id-type="doi">10.1000/xyz</article-id>
<title-group><article-title>Ketamine for <italic>migraine</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Roe</surname><given-names>Jane</given-names></name></contrib>
<contrib contrib-type="author"><collab>The Pain Group</collab></contrib></contrib-group>
<pub-date pub-type="collection"><year>2012</year></pub-date>
<pub-date pub-type="epub"><day>4</day><month>3</month><year>2012</year></pub-date>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>Free.</license-p></license></permissions>
<abstract><p>We gave ketamine to 20 people.</p></abstract></article-meta></front>
<body><sec><title>Results</title>
<p>Pain fell by half (<xref ref-type="bibr">1</xref>).
It came back.</p>
<table-wrap><caption><p>Pain by day.</p></caption><table><tbody><tr><td>Day 1</td><td>7</td></tr></tbody></table></table-wrap>
</sec></body>
<back><ack><p>We thank the nurses.</p></ack><ref-list><ref><mixed-citation>Doe J. An older trial.</mixed-citation></ref></ref-list></back>
</article>
"""
