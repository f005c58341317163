"""What the tests of genomics calling share."""

S2 = {"10-94775367-A-G": "0/1", "10-94781859-G-A": "0/1"}


G = {"10-94842866-A-G": "1/1"}


HAPB3 = "c.1129-5923C>G, c.1236G>A (HapB3)"
