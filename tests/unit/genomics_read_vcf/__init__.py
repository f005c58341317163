"""The VCF's door: what is read, what is refused and with which words, and that neither a bomb nor a
long line fills the memory.
"""
