"""What the commands of `videolake` do."""
