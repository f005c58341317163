"""analyze(batch, model).

Genotypes to diplotypes, phenotypes and recommendations (pure).
"""

from collections.abc import Sequence

from services.genomics.domain import Findings, Inputs
from services.genomics.model import PgxModel
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.recommendations import implications
from shared.errors import NotAnalysed


def analyze(batch: Sequence[Inputs], model: PgxModel) -> list[Findings | NotAnalysed]:
    """Findings for each file.

    Not analysed where it holds nothing of any gene of the model.
    """
    return [_analyzed(inputs, model) for inputs in batch]


def _analyzed(inputs: Inputs, model: PgxModel) -> Findings | NotAnalysed:
    called = {
        gene.name: call_gene(model.tables, gene, inputs.records) for gene in model.tables.genes
    }
    calls = tuple(call for call in called.values() if call)
    if not calls:
        return NotAnalysed(
            f"The VCF holds no position of the genes that are called ({', '.join(called)})."
        )
    return Findings(
        calls=calls,
        absent=tuple(name for name, call in called.items() if call is None),
        implications=implications(model.tables, calls),
        discarded=sum(not record.usable for record in inputs.records),
    )
