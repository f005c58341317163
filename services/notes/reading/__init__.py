"""Reading a note: sections, sentences, words, tags."""
