"""A VCF as a stream of records: bytes, lines, header, sample, statistics."""
