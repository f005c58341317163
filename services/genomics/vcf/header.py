"""A VCF's header: which build, how many samples (pure).

VCF 4.x specification, section 1.2 to 1.5; line lengths of GRCh37 and GRCh38 from NCBI.
"""

import re
from dataclasses import dataclass, replace

from shared.errors import InvalidInput, NotAnalysed

COLUMNS = (b"#CHROM", b"POS", b"ID", b"REF", b"ALT", b"QUAL", b"FILTER", b"INFO", b"FORMAT")
BUILDS = {
    "GRCh38": re.compile(rb"GRCh38|hg38|\bb38\b|GCA_000001405\.15|hs38", re.IGNORECASE),
    "GRCh37": re.compile(rb"GRCh37|hg19|\bb37\b|hs37|human_g1k_v37", re.IGNORECASE),
    "NCBI36": re.compile(rb"hg18|NCBI36|\bb36\b", re.IGNORECASE),
    "T2T-CHM13": re.compile(rb"chm13|\bhs1\b", re.IGNORECASE),
}
LENGTHS = {  # of contig 1, 6, 10, 12, 13, 16
    "GRCh38": {
        b"1": b"248956422",
        b"6": b"170805979",
        b"10": b"133797422",
        b"12": b"133275309",
        b"13": b"114364328",
        b"16": b"90338345",
    },
    "GRCh37": {
        b"1": b"249250621",
        b"6": b"171115067",
        b"10": b"135534747",
        b"12": b"133851895",
        b"13": b"115169878",
        b"16": b"90354753",
    },
}
CONTIG = re.compile(rb"##contig=<.*?ID=(?:chr)?([^,>]+)", re.IGNORECASE)
LENGTH = re.compile(rb"[,<]length=(\d+)")
NAMES_BUILD = (b"##contig", b"##reference", b"##assembly", b"##genome")
MAX_HEADER_LINES = 100_000


@dataclass(frozen=True)
class Header:
    """What the header lines so far say.

    Attributes:
        builds: the genome builds that they name or whose contig lengths they give.
        columns: how many columns the data lines have; 0 until the column line was read.
    """

    builds: frozenset[str] = frozenset()
    columns: int = 0
    lines: int = 0

    def read(self, number: int, line: bytes) -> "Header":
        """The header after one more line.

        Raises InvalidInput: the first line is no VCF's, or the column line is malformed.
        """
        if number == 1 and not line.startswith(b"##fileformat=VCF"):
            raise InvalidInput("Not a VCF: line 1 is not `##fileformat=VCF...`.")
        if number > MAX_HEADER_LINES:
            raise InvalidInput(f"The VCF's header is longer than {MAX_HEADER_LINES} lines.")
        if line.startswith(COLUMNS[0]):
            return replace(self, columns=_columns(number, line), lines=number)
        return (
            replace(self, builds=self.builds | _builds(line), lines=number)
            if line.startswith(NAMES_BUILD)
            else replace(self, lines=number)
        )

    def check(self) -> None:
        """Raises InvalidInput: no header, truncated.

        NotAnalysed: no sample or several, or not GRCh38.
        """
        if not self.lines:
            raise InvalidInput("Not a VCF: line 1 is not `##fileformat=VCF...`.")
        if not self.columns:
            raise InvalidInput("The VCF is truncated: it has no `#CHROM` line.")
        samples = self.columns - len(COLUMNS)
        if samples < 1:
            raise NotAnalysed("The VCF holds no sample: there are no genotypes to read.")
        if samples > 1:
            raise NotAnalysed(
                f"The VCF holds {samples} samples and nothing says which is the patient's: send a "
                "file of one sample."
            )
        if not self.builds:
            raise NotAnalysed(
                "The VCF does not say its genome build (`##reference`, or `##contig` with lengths "
                "or assembly): GRCh38 is needed."
            )
        if self.builds != {"GRCh38"}:
            raise NotAnalysed(
                f"The VCF is on {' and '.join(sorted(self.builds))}: only GRCh38 is analysed."
            )


def _columns(number: int, line: bytes) -> int:
    names = line.split(b"\t")
    if tuple(names[:8]) != COLUMNS[:8] or (len(names) > 8 and names[8] != COLUMNS[8]):
        raise InvalidInput(
            f"Line {number} of the VCF does not name the columns of a VCF, separated by tabs."
        )
    return max(len(names), len(COLUMNS))


def _builds(line: bytes) -> frozenset[str]:
    found = {build for build, pattern in BUILDS.items() if pattern.search(line)}
    contig, length = CONTIG.match(line), LENGTH.search(line)
    if contig and length:
        found |= {
            build for build, lengths in LENGTHS.items() if lengths.get(contig[1]) == length[1]
        }
    return frozenset(found)
