"""Who may enter the review pages, what each may read and sign, and for how long."""
