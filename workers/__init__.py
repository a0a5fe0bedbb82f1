"""How the pipeline's steps run on machines: the Ray worker, its placement, the execution of a shard."""
