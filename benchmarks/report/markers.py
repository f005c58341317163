"""A page with measured tables between two markers: the words around them stay."""

from pathlib import Path
from typing import Final

END: Final = "<!-- /measured -->"


def into(file: Path, begin: str, written: str) -> None:
    """Replace what stands between the markers. ValueError when the file has none.

    Args:
        begin: the first marker; the other one is `END`.
    """
    text = file.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"{file} has no markers for what was measured")
    file.write_text(f"{before}{begin}\n{written}{END}{after}", encoding="utf-8")
