"""Reach files on other machines, as far as the operator of this machine allows."""

from pipeline.remote.file_systems import file_system, open_remote
from pipeline.remote.policy import RefusedError, check_lake, check_scheme, is_http, refusal

__all__ = ["RefusedError", "check_lake", "check_scheme", "file_system", "is_http", "open_remote", "refusal"]
