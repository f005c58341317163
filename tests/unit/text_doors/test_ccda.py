"""The narrative of C-CDA documents is read, and nothing behind it."""

import base64

import pytest

from shared.errors import InvalidInput
from shared.text.doors.opening import open_attachment
from tests.unit.text_doors.support import SECRET, ccda, struck


@pytest.mark.parametrize(
    ("section", "text"),
    [
        (
            "<title>Medications</title><text><table><thead><tr><th>Drug</th><th>Status</th></tr>"
            '</thead><tbody><tr><td><content ID="m1">warfarin</content></td><td>Discontinued</td>'
            "</tr></tbody></table></text><entry><observation><text>code</text></observation></entry>",
            "Medications:\nDrug\tStatus\nwarfarin\tDiscontinued",
        ),
        (
            "<title>Problems:</title><text><list><caption>Active</caption>"
            '<item>asthma</item><item styleCode="Bold">gout<br/>since 2001</item></list>'
            "<paragraph>end</paragraph></text>",
            "Problems:\nActive\nasthma\ngout\nsince 2001\nend",
        ),
        (
            "<title>Plan</title><text>Lisi<content styleCode='Italics'>nopril</content> &lt; 5 mg "
            "<![CDATA[if BP < 90]]><!-- not this --></text>",
            "Plan:\nLisinopril < 5 mg if BP < 90",
        ),
        (
            "<title>History</title><text>gout</text><component><section><title>Surgical</title>"
            "<text>none</text></section></component>",
            "History:\ngout\nSurgical:\nnone",
        ),
    ],
)
def test_titles_and_texts_are_read(section: str, text: str) -> None:
    assert ccda(f"<component><section>{section}</section></component>").text.strip() == text


def test_a_section_that_knows_nothing_says_what_it_says() -> None:
    opened = ccda(
        '<section nullFlavor="NI"><title>Allergies</title><text>No information</text></section>'
        "<section><title/><text>gout</text></section>"
    )
    assert opened.text.splitlines() == ["Allergies:", "No information", "gout"]


def test_prefixes_of_names_and_deleted_text() -> None:
    source = (
        '<?xml version="1.0"?><cda:ClinicalDocument xmlns:cda="urn:hl7-org:v3"><cda:section>'
        '<cda:title>Drugs</cda:title><cda:text>ASA <cda:content revised="delete">digoxin'
        "</cda:content></cda:text></cda:section></cda:ClinicalDocument>"
    )
    opened = open_attachment(source.encode(), "text/plain")
    assert (opened.form, opened.text.strip(), struck(opened)) == (
        "ccda",
        "Drugs:\nASA digoxin",
        ["digoxin"],
    )
    at = opened.text.index("digoxin")
    assert source[opened.places[at] :].startswith("digoxin")


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE ClinicalDocument [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE ClinicalDocument SYSTEM "file:///etc/passwd">',
        "<!ENTITY x SYSTEM 'http://127.0.0.1/'>",
    ],
)
def test_entities_are_refused(declared: str) -> None:
    source = f"{declared}<ClinicalDocument><section><text>{SECRET}&a;</text></section>"
    with pytest.raises(InvalidInput, match="declares entities") as refused:
        open_attachment(source.encode(), "text/xml")
    assert SECRET not in str(refused.value)


def unstructured(kind: str, data: str, representation: str = ' representation="B64"') -> bytes:
    return (
        f"<ClinicalDocument><component><nonXMLBody><text mediaType='{kind}'{representation}>"
        f"{data}</text></nonXMLBody></component></ClinicalDocument>"
    ).encode()


def test_the_file_of_an_unstructured_document_is_opened() -> None:
    inner = base64.b64encode(rb"{\rtf1 She has gout.}").decode()
    opened = open_attachment(unstructured("application/rtf", inner), "application/xml")
    assert (opened.form, opened.text.strip()) == ("ccda", "She has gout.")
    plain = open_attachment(unstructured("text/plain", "She has gout.", ""), "application/xml")
    assert plain.text == "She has gout."


def test_a_file_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="base64"):
        open_attachment(unstructured("application/rtf", "***"), "application/xml")
    nested = base64.b64encode(unstructured("text/plain", "eA==")).decode()
    with pytest.raises(InvalidInput, match="another document"):
        open_attachment(unstructured("text/xml", nested), "application/xml")
