"""What the commands of `videolake` do. Each is imported by the command that runs it, so that `--help` is quick."""
