"""A lake as web pages: a grid of videos, search, each video with its player, and a report in one file."""
