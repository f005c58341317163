"""Whether the words of a conclusion contradict what is decided on its findings."""
