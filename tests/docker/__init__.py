"""docker-compose.yml and the Dockerfile: what can be said without an engine, and the whole stack
where there is one.
"""
