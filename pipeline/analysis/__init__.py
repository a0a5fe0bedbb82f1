"""One video, from file to records. Each package here is one step; `video` runs them all. None knows the lake."""
