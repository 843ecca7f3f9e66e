"""What tests ask of a server beyond AWS's APIs, only where `test_controls` is set."""
