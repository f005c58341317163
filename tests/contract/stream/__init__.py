"""What an event log promises: Apache Kafka, SQLite and memory pass the same tests."""
