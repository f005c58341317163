"""What the name of a PharmCAT test file says should be called (pure).

The folder names the gene. In the file's name:

- `s2s3`: the diplotype *2/*3; `ref` and `s1`: the reference allele; `het3a`: *1/*3A; `hom3a`:
  *3A/*3A; `s24s2pluss24`: *24/[*2 + *24].
- Four alleles are two diplotypes that the file can't tell apart, both expected (`s1s17s1s4b`);
  three are those that may take part, beside the reference (`s1s4s17`).
- A letter that PharmVar no longer uses is dropped (`s4b`: *4, `s1s` of TPMT: *1); SLCO1B1's old *1A
  is *1 and *1B is *37; `s3` of TPMT stands for any *3.
- `c1156het`: DPYD c.1156 and the reference; `c1679c1156`: the pair. `-1639A-1639A`: the two bases
  of VKORC1.
- `Unk` and `offdata`: an allele that no table holds, so no call. `rs...missing` and the like say
  how the file was cut and are ignored.
- Nothing of that: the name says nothing, and the file is not counted.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from services.genomics.pgx.tables import Gene

RENAMED = {("SLCO1B1", "1a"): "*1", ("SLCO1B1", "1b"): "*37"}
NOISE = re.compile(
    r"(rs\d+)+(missing|only)?|missing|only|(un)?phased|homozygous|_t\d+$|^slco1b1_", re.IGNORECASE
)
TOKEN = re.compile(
    r"(?:(het|hom)|s)(unk|\d+)([a-z](?=s|_|$))?|(ref)|(plus)|c\.?(\d+)(het|hom)?|-1639([ag])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Expectation:
    """What a file must give.

    Attributes:
        diplotypes: each must be among those called, as a sorted pair of names.
        within: every allele called must be of these; empty: not asked.
    """

    diplotypes: tuple[tuple[str, str], ...] = ()
    within: frozenset[str] = frozenset()
    no_call: bool = False

    def met(self, called: Collection[tuple[str, str]]) -> bool:
        """The diplotypes called are what was expected."""
        if self.no_call:
            return not called
        pairs = {tuple(sorted(pair)) for pair in called}
        inside = (
            all(any(_same(a, w) for w in self.within) for pair in pairs for a in pair)
            if self.within
            else True
        )
        return (
            bool(called)
            and inside
            and all(tuple(sorted(pair)) in pairs for pair in self.diplotypes)
        )


def _same(allele: str, wanted: str) -> bool:
    return allele == wanted or (
        wanted.endswith("?") and re.fullmatch(re.escape(wanted[:-1]) + "[A-Z]", allele) is not None
    )


def expectation(gene: Gene, stem: str) -> Expectation | None:
    """What the file's name (without its ending) says.

    None where it says nothing that this reads.
    """
    text = NOISE.sub("", stem)
    if "offdata" in text.lower() or "sunk" in text.lower():
        return Expectation(no_call=True)
    alleles = _alleles(gene, text)
    if alleles is None or not alleles:
        return None
    if len(alleles) == 2:
        return Expectation(((alleles[0], alleles[1]),))
    if len(alleles) == 4:
        return Expectation(((alleles[0], alleles[1]), (alleles[2], alleles[3])))
    return Expectation(within=frozenset(alleles) | {gene.reference}) if len(alleles) == 3 else None


def _alleles(gene: Gene, text: str) -> list[str] | None:
    """The alleles in the order of the name; None where one of them is in no table."""
    found: list[str] = []
    joined = False
    for m in TOKEN.finditer(text):
        zygosity, number, letter, reference, plus, cdna, cdna_zygosity, base = m.groups()
        if plus:
            joined = True
            continue
        name = (
            gene.reference
            if reference
            else f"-1639{base.upper()}"
            if base
            else _cdna(gene, cdna)
            if cdna
            else _star(gene, number, (letter or "").lower())
        )
        if name is None:
            return None
        if joined:
            found[-1], joined = f"[{found[-1]} + {name}]", False
            continue
        found += {"het": [gene.reference, name], "hom": [name, name]}.get(
            (zygosity or cdna_zygosity or "").lower(), [name]
        )
    if (
        len(found) == 4
        and re.match("hom", text, re.IGNORECASE)
        and len(set(found[:2])) == 1 == len({gene.reference, found[0]})
    ):
        return found[2:]  # `hom1s_het3a`: homozygous for what is no allele of its own any more
    return found


def _star(gene: Gene, number: str, letter: str) -> str | None:
    known = {gene.reference, gene.without, *gene.alleles} - {""}
    renamed = RENAMED.get((gene.name, number + letter))
    for name in (renamed, f"*{number}{letter.upper()}", f"*{number}"):
        if name in known:
            return name
    by_dpyd_name = next((a for a in known if a.endswith(f"(*{number}{letter.upper()})")), None)
    family = f"*{number}?" if any(re.fullmatch(rf"\*{number}[A-Z]", a) for a in known) else None
    return gene.reference if number == "1" else by_dpyd_name or family


def _cdna(gene: Gene, position: str) -> str | None:
    return next((a for a in gene.alleles if re.match(rf"c\.{position}(?!\d)", a)), None)
