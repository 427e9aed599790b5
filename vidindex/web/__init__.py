"""The local web page of `vidindex serve`."""
