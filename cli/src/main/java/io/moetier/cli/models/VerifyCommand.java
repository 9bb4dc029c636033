package io.moetier.cli.models;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Progress;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.hub.HubName;
import io.moetier.storage.expert.Damage;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.expert.StoreVerifier;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// Checks every checksum of a store.
@Command(name = "verify", description = "Check every checksum of a store and name what is damaged.")
public final class VerifyCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            paramLabel = "MODEL",
            description =
                    "A store, or a checkpoint directory, GGUF file or name of a model whose store is in the cache.")
    Path model = Path.of("");

    public VerifyCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        model = present();
        Path store = LibraryTerminal.stores(surroundings, streams).find(model);
        List<Damage> damages;
        try (Progress progress =
                new Progress(streams.err(), "verify", surroundings.errorIsTerminal(), System::nanoTime)) {
            long total = totalBytes(store);
            long[] done = {0};
            damages = StoreVerifier.verify(store, bytes -> {
                done[0] += bytes;
                progress.update(done[0], Math.max(done[0], total));
            });
        }
        damages.forEach(damage -> streams.note("moetier: " + store.resolve(damage.file()) + ": " + damage.what()));
        if (!damages.isEmpty() && !store.equals(model)) {
            streams.note("moetier: run `" + ImportCommand.line(model.toString(), Optional.empty(), store)
                    + "` to make it again");
        }
        if (damages.isEmpty()) {
            streams.print(store + ": no damage\n");
        }
        return damages.isEmpty() ? Failure.OK : Failure.FAILED;
    }

    /// A name of the hub's is no reason to download what has no store then.
    private Path present() {
        return HubName.isNamed(model.toString())
                ? LibraryTerminal.finder(surroundings, streams)
                        .there(HubName.parse(model.toString()))
                        .orElseThrow(() -> new IllegalArgumentException(
                                model + " is not here, so there is no store of it; pull or run it first"))
                : LibraryTerminal.located(model, surroundings, streams);
    }

    /// A damaged manifest does not say; the verifier reports it.
    private static long totalBytes(Path store) {
        try {
            return StoreManifest.read(store).totalBytes();
        } catch (MalformedModelException e) {
            return 0;
        }
    }
}
