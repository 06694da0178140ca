"""What people and scripts ask of the store: status, gaps, devices, export, retention; and commands to devices."""
