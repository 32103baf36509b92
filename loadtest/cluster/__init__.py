"""Two gateways and three engines on one machine: do conversations stay where their prefixes are?"""
