"""Tests that span the apps, and what every test stands on."""
