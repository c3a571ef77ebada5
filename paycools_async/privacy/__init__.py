"""What nobody sees who does not ask: keys and secrets, and personal texts in messages."""
