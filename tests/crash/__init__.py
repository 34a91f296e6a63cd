"""Processes killed at named steps and random moments: nothing acknowledged is lost, nothing half is listed."""
