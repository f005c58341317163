"""Who a person is: names, identifiers, age (pure)."""
