from tests.pipeline.lake.conftest import any_folder, any_lake, kill_after, lake, no_waiting_for_the_disk

__all__ = ["any_folder", "any_lake", "kill_after", "lake", "no_waiting_for_the_disk"]
