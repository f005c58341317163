"""What a result shows, by the kind of resource: findings, genes, problems, plans."""
