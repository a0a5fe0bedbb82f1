"""Preparing a run: load the configuration, find the videos, compute the revision, and plan the work."""

from pipeline.run.changes import Changes, count_changes
from pipeline.run.configuration import load_config, parse_settings, profile_names, toml_value, write_settings
from pipeline.run.digest import content_digest
from pipeline.run.discovery import Discovery, discover, discover_known
from pipeline.run.listing import Skipped, list_archive
from pipeline.run.plan import Plan, Shard, make_plan
from pipeline.run.revision import models_of, revision_of

__all__ = [
    "Changes",
    "Discovery",
    "Plan",
    "Shard",
    "Skipped",
    "content_digest",
    "count_changes",
    "discover",
    "discover_known",
    "list_archive",
    "load_config",
    "make_plan",
    "models_of",
    "parse_settings",
    "profile_names",
    "revision_of",
    "toml_value",
    "write_settings",
]
