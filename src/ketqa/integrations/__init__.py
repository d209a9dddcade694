"""Thin adapters to the frameworks of others; every place and source survives each of them."""
