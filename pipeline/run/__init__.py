"""Preparing a run: load the configuration, find the videos, compute the revision, and plan the work."""

from pipeline.run.changes import Changes, count_changes
from pipeline.run.configuration import load_config, parse_settings, profile_names, toml_value, write_settings
from pipeline.run.digest import DigestChunks, Unread, content_digest, digest_files, digest_here, in_order
from pipeline.run.discovery import Discovery, discover, discover_batches, discover_known
from pipeline.run.estimate import Estimate, estimate_run
from pipeline.run.following import location_lines
from pipeline.run.history import History, history_of, read_history, recorded_config
from pipeline.run.ledger import COSTS, PastRun, costs, past_runs
from pipeline.run.listing import Skipped, list_archive
from pipeline.run.plan import Plan, Planner, Shard, make_plan
from pipeline.run.redo import Redo, redo_reasons
from pipeline.run.report import PlanReport, Reporter, check_found, plan_archive
from pipeline.run.revision import STAGE_VERSIONS, Recipe, models_of, recipe_of, revision_of, stage_revisions
from pipeline.run.run_records import Difference, RunRecord, differences, find_run, read_runs
from pipeline.run.setting_files import allow_setting_files, check_setting_files

__all__ = [
    "COSTS",
    "STAGE_VERSIONS",
    "Changes",
    "Difference",
    "DigestChunks",
    "Discovery",
    "Estimate",
    "History",
    "PastRun",
    "Plan",
    "PlanReport",
    "Planner",
    "Recipe",
    "Redo",
    "Reporter",
    "RunRecord",
    "Shard",
    "Skipped",
    "Unread",
    "allow_setting_files",
    "check_found",
    "check_setting_files",
    "content_digest",
    "costs",
    "count_changes",
    "differences",
    "digest_files",
    "digest_here",
    "discover",
    "discover_batches",
    "discover_known",
    "estimate_run",
    "find_run",
    "history_of",
    "in_order",
    "list_archive",
    "load_config",
    "location_lines",
    "make_plan",
    "models_of",
    "parse_settings",
    "past_runs",
    "plan_archive",
    "profile_names",
    "read_history",
    "read_runs",
    "recipe_of",
    "recorded_config",
    "redo_reasons",
    "revision_of",
    "stage_revisions",
    "toml_value",
    "write_settings",
]
