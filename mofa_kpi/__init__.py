"""Settings, addresses and the tests that span all apps."""
