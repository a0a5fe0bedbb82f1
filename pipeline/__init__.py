"""How one video is understood, and how the lake is read and written. Knows neither Ray nor Prefect."""
