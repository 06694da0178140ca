"""The status page and the metrics: `greengate-centre serve`."""
