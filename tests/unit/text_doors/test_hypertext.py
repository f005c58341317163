"""What a page of HTML shows is read, each character at its place in the source."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.text.doors.markup.hypertext import read_html
from tests.unit.text_doors.support import html, struck


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>lisi<b>nopril</b></p>", "lisinopril"),
        ("<p>met<span style='color:red'>for</span><i>min</i></p>", "metformin"),
        ("<p>apix&shy;aban, warf<wbr>arin, hep\u200barin</p>", "apixaban, warfarin, heparin"),
        ("<p>lisi<o:p></o:p>nopril</p>", "lisinopril"),
        ("<p>H<sub>2</sub>O, 10<sup>9</sup></p>", "H2O, 109"),
        ("<p>No\n   <b>chest\tpain</b>\n</p>", "No chest pain"),
        ("a<br>b<br/><br>c", "a\nb\n\nc"),
        ("<div>a</div><div>b<p>c</div>d", "a\nb\nc\nd"),
        ("<h2>Allergies</h2><ul><li>Penicillin<li>Sulfa</ul>", "Allergies\nPenicillin\nSulfa"),
        ("<dl><dt>BP<dd>120/80<dt>HR<dd>70</dl>", "BP\n120/80\nHR\n70"),
        ("<pre>Na   138\n  K 4</pre>x", "Na   138\n  K 4\nx"),
        ("<p>Migraine&nbsp;&nbsp;&nbsp;Yes</p>", "Migraine   Yes"),
        ("fever\nno cough\n<b>gout</b>", "fever\nno cough\ngout"),
        ("<title/><style/><p>No fever", "No fever"),
        ("<!-->No<!--->&#32;fever<!-- x --!><br>", "No fever"),
        ("<p title='a > b' class=it's>No fever</p>", "No fever"),
        ("<p><![CDATA[x]]></>No fever</ p>", "No fever"),
        ("<p>R&D, K &lt; 5, K <3, &#181; g", "R&D, K < 5, K <3, µ g"),
        ("<p>the patients&#146; fever", "the patients’ fever"),
        ("<p>fever&#xD800; &unknown;", "fever\ufffd &unknown;"),
        (f"<p>fever&#{'9' * 5000};cough", "fever cough"),
    ],
)
def test_what_is_shown_is_read(source: str, text: str) -> None:
    assert html(source).text.strip() == text


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "<table><tr><td>warfarin</td><td>5 mg</td><td>Discontinued</td></tr></table>",
            ["warfarin\t5 mg\tDiscontinued"],
        ),
        ("<table><tr><th>Drug<th>Dose<tr><td>ASA<td>81</table>x", ["Drug\tDose", "ASA\t81", "x"]),
        (
            "<table><tr><td><p>warfarin</p></td><td><div>5 mg<br>daily</div></td></tr></table>",
            ["warfarin\t5 mg daily"],
        ),
        ("<table><tr><td>gout<td><td>resolved</table>", ["gout\t\tresolved"]),
        ("<table><tr><td>a<td hidden>b</table>c<table><tr><td>d<td>e</table>", ["a", "c", "d\te"]),
        ("<table><tr><td>a<table hidden><tr><td>b</table><td>c</table>d", ["a\tc", "d"]),
        (
            # a table that only places paragraphs
            "<table><tr><td>Menu<td><p>CC: cough<p>PMH: gout<p>FH: none<p>Plan<p>rest<p>fluids"
            "</table>",
            ["Menu", "CC: cough", "PMH: gout", "FH: none", "Plan", "rest", "fluids"],
        ),
        (
            "<table><tr><td>Left<td><table><tr><td>ASA<td>held</table></table>",
            ["Left", "ASA\theld"],
        ),
    ],
)
def test_a_row_is_a_line(source: str, lines: list[str]) -> None:
    assert html(source).text.splitlines() == lines


@pytest.mark.parametrize(
    "gone",
    [
        "<p style='display:none'>X</p>",
        "<p style='color:red; DISPLAY : none !important'>X</p>",
        "<p style=display:none>X",
        "<span style='visibility:hidden'>X</span>",
        "<p hidden>X</p>",
        "<div hidden=''><p>X<b>X</b></p>X</div>",
        "<span style='mso-hide:all'>X</span>",
        "<span style='font-size:0px'>X</span>",
        "<style>.gone{color:red;display:none}</style><p class='a gone'>X</p>",
        "<style>p.gone, #x{visibility:hidden}</style><p id=x>X</p>",
        "<script>var d='X'</script>",
        "<style>X{}</style>",
        "<title>X</title>",
        "<!-- X -->",
        "<template>X</template>",
    ],
)
def test_what_is_hidden_is_left_out(gone: str) -> None:
    assert html(f"{gone}<p>Well.</p>").text.strip() == "Well."


@pytest.mark.parametrize(
    "style", ["display:block", "font-size:0.8em", "opacity:0.5", "visibility:visible"]
)
def test_what_is_small_or_pale_is_shown(style: str) -> None:
    assert html(f"<p style='{style}'>gout</p>").text.strip() == "gout"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p><s>digoxin</s> aspirin</p>", ["digoxin"]),
        ("<p>takes <del>digoxin 5 mg</del></p>", ["digoxin 5 mg"]),
        ("<p><strike>a<b>b</b></strike>c</p>", ["ab"]),
        ("<p><span style='text-decoration: underline line-through'>ASA</span>", ["ASA"]),
        ("<style>.off{text-decoration-line:line-through}</style><p class=off>ASA</p>b", ["ASA"]),
        ("<p><b><s>digoxin</b> daily</s> now", ["digoxin daily"]),
        ("<p>nothing</p>", []),
    ],
)
def test_what_is_struck_out_is_kept_and_told(source: str, words: list[str]) -> None:
    assert struck(html(source)) == words


def test_the_fields_of_a_form_say_what_they_hold() -> None:
    page = html(
        "<p><input type=checkbox> Stroke<br><input type='checkbox' checked>Gout<br>"
        "<input type=radio CHECKED>Asthma<br>BP <input value='120/80'><input type=hidden value=x>"
    )
    assert page.text.splitlines() == ["[ ] Stroke", "[x] Gout", "[x] Asthma", "BP 120/80"]


def test_of_choices_the_chosen_one_is_shown() -> None:
    page = html("<p>Smoker: <select><option>Current<option selected>Never<option>Former</select>.")
    assert " ".join(page.text.split()) == "Smoker: Never."


def test_places_are_those_of_the_source() -> None:
    source = "<p>Takes lisi<b>nopril</b>&nbsp;5&lt;10\n<td>no gout"
    opened = html(source)
    start = opened.text.index("lisinopril")
    found = opened.source(start, start + 10)
    assert source[found.start : found.end] == "lisi<b>nopril"
    assert source[opened.places[opened.text.index("<")] :].startswith("&lt;")


@given(
    st.text(alphabet=st.sampled_from("ab <>/&;#\n!-='\"pstdiv0"), max_size=80),
    st.sampled_from(["", "<td>", "<s>", "<p hidden>", "</b>", "<table><tr>", "<style>"]),
    st.text(max_size=9),
)
def test_any_markup_has_a_place_for_each_character(source: str, piece: str, more: str) -> None:
    with contextlib.suppress(InvalidInput):
        text, places, spans = read_html(source + piece + more)
        assert len(text) == len(places)
        assert list(places) == sorted(places)
        assert all(0 <= a < b <= len(text) for a, b in spans)
