"""What the operator's benchmark is made of: load, observers, stand-ins for runners, figures."""
