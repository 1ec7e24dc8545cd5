"""Tables as files, both ways: how an uploaded one is read, how one is written. Knows no Django."""
