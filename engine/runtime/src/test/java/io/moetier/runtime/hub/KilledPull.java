package io.moetier.runtime.hub;

import java.net.ProxySelector;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/// A program that downloads a repository, and is killed meanwhile.
final class KilledPull {
    /// Small, so that a small file has many chunks; each is noted at once.
    static final PullSettings SETTINGS = new PullSettings(2, 1_000, 4, 0);

    private KilledPull() {}

    /// Downloads all of `hf:org/repo` from the hub at the first argument into the cache at the second.
    public static void main(String[] args) {
        try (Hub hub = hub(URI.create(args[0]))) {
            HubRepository repository = hub.repository(HubName.parse("hf:org/repo"));
            pull(hub, Path.of(args[1])).pull(repository, repository.files());
        }
    }

    static Hub hub(URI endpoint) {
        HubSettings settings = new HubSettings(endpoint, Optional.empty(), ProxySelector.of(null), false);
        return new Hub(settings, new Retries(pause -> {}, line -> {}));
    }

    static HubPull pull(Hub hub, Path cache) {
        return new HubPull(hub, new HubCache(cache), PullListener.SILENT, SETTINGS, folder -> Long.MAX_VALUE);
    }
}
