"""End to end, with everything that can happen to it: the same story on the embedded log and on
Apache Kafka.

Five patients, shuffled and doubled events, broken inputs, a denial, a withdrawal, an update; every
service killed, the EHR away, the broker killed. Then: every (service, event) ended in exactly one
visible outcome, and nothing moves any more.
"""
