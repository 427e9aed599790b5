"""Where the network comes from that the settings name; TensorFlow waits until it is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from vidindex.config import Settings

if TYPE_CHECKING:
    from vidindex.classifier import Classifier
    from vidindex.embedding import Embedder, EmbedderSource
    from vidindex.weights import WeightsSource


def find_network(settings: Settings) -> EmbedderSource:
    """Return the network that the settings name; nothing is looked for yet."""
    return _InceptionSource(settings)


def find_network_named(name: str, settings: Settings) -> EmbedderSource:
    """Return the network of a recipe, by the name of its weights.

    A name that tells where they are ("imagenet", "untrained:0") says enough; of a file, whose name
    does not, it is the settings' network, which may be another one.
    """
    tells = name == "imagenet" or name.startswith("untrained:")
    return find_network(replace(settings, weights=name) if tells else settings)


@dataclass(frozen=True)
class _InceptionSource:
    """InceptionV3; its weights are found when they are asked for, loading imports TensorFlow."""

    settings: Settings

    def prepare(self) -> bytes:
        from vidindex import processor
        from vidindex.weight_values import load_values

        if self.settings.precision == "bf16" and not processor.has_bf16():
            self.network  # noqa: B018 - refused, unless there is a GPU that can
        return load_values(self.weights).digest

    @cached_property
    def weights(self) -> WeightsSource:
        """Find the weights that the settings name; fetch the published ones if need be.

        Raises:
            UsageError, WeightsError: there are none such.
        """
        from vidindex.class_names import fetch_with_weights
        from vidindex.weights import locate_weights

        return locate_weights(self.settings.weights, fetch=fetch_with_weights)

    def load_classifier(self) -> Classifier | None:
        """Read what is on top of the network, if there is something."""
        if not self.weights.has_classifier:
            return None
        from vidindex.weight_values import load_classifier

        return load_classifier(self.weights)

    @property
    def key(self) -> str:
        return self.weights.key

    @property
    def name(self) -> str:
        if self.weights.kind == "file" and self.weights.path is not None:
            return self.weights.path.name
        return self.weights.key if self.weights.kind == "untrained" else self.weights.kind

    def load(self) -> Embedder:
        return self.network

    @cached_property
    def network(self) -> Embedder:
        """Build the network once."""
        from vidindex.inception import InceptionEmbedder

        return InceptionEmbedder(
            self.weights,
            precision=self.settings.precision,
            batch_size=self.settings.batch_size or None,
        )
