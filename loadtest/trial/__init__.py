"""A profile against a gateway and a stand-in engine that are started for it, looked at idle before and after."""
