"""When the work runs: Prefect flows and deployments, their artifacts, and the `videolake` command line."""
