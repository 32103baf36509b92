"""Faults against real processes: what a client of the gateway gets when an engine, the network or the gateway fails."""
