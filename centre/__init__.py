"""The centre: receive check-ins, keep each once, acknowledge."""
