"""A real S3 server for tests and benchmarks, and a proxy in front of it that makes requests fail."""

from tests.s3.proxy import Fault, FaultProxy, Plan, Request, first, slowly
from tests.s3.server import S3Server, environment, without_s3fs

__all__ = ["Fault", "FaultProxy", "Plan", "Request", "S3Server", "environment", "first", "slowly", "without_s3fs"]
