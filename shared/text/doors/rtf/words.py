"""What the control words of RTF 1.9 mean for its text."""

from typing import Final

BREAKS: Final = frozenset({"par", "sect", "line", "page", "column", "softline"})
CELLS: Final = frozenset({"cell", "nestcell"})
ROWS: Final = frozenset({"row", "nestrow"})
CHARACTERS: Final = {
    "tab": "\t", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "emspace": " ",
    "enspace": " ", "qmspace": " ", "~": "\u00a0", "_": "-", "\\": "\\", "{": "{", "}": "}",
}  # fmt: skip
DESTINATIONS: Final = (
    "fonttbl colortbl stylesheet info pict object objdata fldinst datafield header headerl headerr"
    " headerf footer footerl footerr footerf annotation atnid atnauthor atntime atndate atnref"
    " generator filetbl revtbl rsidtbl listtable listoverridetable xmlnstbl themedata"
    " colorschememapping datastore latentstyles docvar bkmkstart bkmkend nonshppict shprslt sp"
    " private do template passwordhash mmathPr pgptbl userprops xe tc ud1 title author"
    " operator company"
)
SKIPPED: Final = frozenset(DESTINATIONS.split())
"""Groups that hold no text of the document."""
SHOWN: Final = frozenset({"shpinst", "shptxt", "shppict", "ud", "fldrslt", "pn", "listtext"})
"""Groups whose text is shown, though a reader that does not know them may skip them."""
STRIKES: Final = frozenset({"strike", "striked", "deleted"})
HIDES: Final = frozenset({"v", "webhidden"})
DOCUMENT_PAGES: Final = {"mac": "mac-roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}
