"""The methods' pure cores: functions over one group of rollouts, without a trainer, an engine or torch."""
