"""From the bytes of an attachment to the text that is read and shown."""
