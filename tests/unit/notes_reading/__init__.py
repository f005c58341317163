"""The pure parts that read a note: decoding, language, headings, sentences, names, tags."""
