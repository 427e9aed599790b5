"""Index a growing video library once, re-cluster it at will, and sort it into folders safely."""
