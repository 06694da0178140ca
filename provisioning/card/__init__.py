"""Write what a kiosk's first boot needs to the boot partition of its card."""
