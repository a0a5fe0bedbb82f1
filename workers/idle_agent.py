"""What stands in for Ray's agents on a local cluster (`workers.lean_cluster`). It only waits until its raylet ends."""

import os
import time

if __name__ == "__main__":
    raylet = int(os.environ.get("RAY_RAYLET_PID", os.getppid()))  # which may have ended already
    while os.getppid() == raylet:
        time.sleep(1)
