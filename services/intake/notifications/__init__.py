"""What the EHR tells by itself.

Subscriptions, their topics, and the door they knock on.
"""
