"""Capacity planning without a GPU: the stand-in's scheduler in virtual time, searched for the rate that it holds."""
