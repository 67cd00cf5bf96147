"""The measure of slide detection: talks, rivals, outcomes, figures, tables; see detect.py."""
