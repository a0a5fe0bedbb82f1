"""When the work runs: Prefect flows and deployments, artifacts, and the `videolake` command line."""
