"""Reach files on other machines: as far as the operator of this machine allows, and again if a request fails."""

from pipeline.remote.file_systems import file_system, open_remote, package_for
from pipeline.remote.policy import RefusedError, check_cluster, check_lake, check_scheme, is_http, refusal
from pipeline.remote.requests import RemoteFile, UnreachableError, is_transient, reason, retried

__all__ = [
    "RefusedError",
    "RemoteFile",
    "UnreachableError",
    "check_cluster",
    "check_lake",
    "check_scheme",
    "file_system",
    "is_http",
    "is_transient",
    "open_remote",
    "package_for",
    "reason",
    "refusal",
    "retried",
]
