package io.moetier.cli.profiles;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Keeps a profile that was exported.
@Command(name = "import", description = "Keep a profile that profiles export has written, here or elsewhere.")
public final class ProfilesImportCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "FILE", description = "An exported profile.")
    Path file = Path.of("");

    @Option(names = "--as", paramLabel = "NAME", description = "Keep it under this name; default: the one it had.")
    @Nullable
    String as;

    @Option(
            names = "--for",
            paramLabel = "MODEL",
            description = "Keep it for this store, or checkpoint whose store is in the cache: a copy of the model with"
                    + " another fingerprint; default: the model that it was exported of.")
    @Nullable
    Path model;

    @Option(names = "--merge", description = "Add it to a profile of that name, as a run is added.")
    boolean merge;

    @Option(names = "--replace", description = "Put it in the place of a profile of that name.")
    boolean replace;

    public ProfilesImportCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (merge && replace) {
            throw new IllegalArgumentException("--merge and --replace: expected one of them");
        }
        ProfileArchive archive = ProfileArchive.read(file);
        ProfileName name = as == null ? archive.name() : ProfileName.parseKept("--as", as);
        KeptProfile kept = new ProfileFolder(surroundings.cacheDirectory())
                .of(
                        model == null
                                ? archive.fingerprint()
                                : fingerprint(model, archive.counted().census()),
                        name);
        if (kept.exists() && !merge && !replace) {
            throw new IllegalArgumentException(
                    file + ": the profile " + name + " is there already; expected --merge, --replace or --as NAME");
        }
        boolean merging = kept.exists() && merge;
        // known before anything is written: where it is damaged, nothing is to be added, or it would be twice at last
        boolean learntStays =
                merging && (archive.learnt().isEmpty() || kept.learntTokens().isPresent());
        kept.write(merging ? merged(kept.read(), archive.counted()) : archive.counted());
        if (!learntStays) {
            kept.replaceLearnt(archive.learnt());
        }
        streams.note(name + " of " + ProfileFolder.spelling(kept) + ": kept in " + kept.censusFile());
        return Failure.OK;
    }

    private CountedModel merged(CountedModel before, CountedModel next) {
        if (!before.census().isOfTheModelOf(next.census())) {
            throw otherExperts();
        }
        return new CountedModel(before.model(), before.census().merge(next.census()));
    }

    private String fingerprint(Path of, Census census) {
        Path store =
                LibraryTerminal.stores(surroundings, streams).find(LibraryTerminal.located(of, surroundings, streams));
        StoreManifest manifest = StoreManifest.read(store);
        SortedMap<Integer, long[]> experts = new TreeMap<>();
        for (StoreManifest.Entry entry : manifest.experts()) {
            experts.merge(
                    entry.id().layer(),
                    new long[entry.id().expert() + 1],
                    (one, other) -> one.length > other.length ? one : other);
        }
        if (!Census.of(1, experts).isOfTheModelOf(census)) {
            throw otherExperts();
        }
        return manifest.fingerprint()
                .orElseThrow(() -> MalformedModelException.of(store, "fingerprint", "one in its manifest", "none"));
    }

    private MalformedModelException otherExperts() {
        return MalformedModelException.of(file, "census.json", "the experts of the model", "others");
    }
}
