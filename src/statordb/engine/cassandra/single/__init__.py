"""Updates within one partition: plans, turns, and the one conditional write that makes them durable."""
