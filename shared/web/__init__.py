"""A service as an HTTP server: the Flask app, /analyze, logs, and its process."""
