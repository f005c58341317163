"""Client: answers of odd shapes."""
