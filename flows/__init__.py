"""Prefect flows and deployments, their artifacts, the `videolake` command line and the web pages."""
