"""Corrections of a lake: make, import, record, apply and list them."""
