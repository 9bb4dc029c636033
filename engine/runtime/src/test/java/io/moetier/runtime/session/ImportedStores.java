package io.moetier.runtime.session;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.storage.file.TemporaryDirectory;
import io.moetier.storage.platform.Platform;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Imports each checkpoint once for all tests of a JVM.
public final class ImportedStores {
    private static final Map<String, Path> STORES = new ConcurrentHashMap<>();
    private static final Path ROOT = createRoot();

    private ImportedStores() {}

    /// Returns the store of a checkpoint directory.
    public static Path of(Path checkpoint) {
        return of(checkpoint, Quantisation.KEEP);
    }

    /// Returns the store of a checkpoint directory, quantised.
    public static Path of(Path checkpoint, Quantisation quantisation) {
        // two tests may call different checkpoints by one name
        return STORES.computeIfAbsent(checkpoint.toAbsolutePath() + "-" + quantisation.label(), _ -> {
            try (ModelSource opened = ModelSource.open(checkpoint)) {
                Path target = Files.createTempDirectory(ROOT, "store").resolve(checkpoint.getFileName() + ".mtier");
                new CheckpointImporter(opened, quantisation).run(target, false, bytes -> {});
                return target;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static Path createRoot() {
        try {
            TemporaryDirectory root = TemporaryDirectory.create(Platform.temporaryFiles(), "stores");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(root)));
            return root.path();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(TemporaryDirectory root) {
        try {
            root.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
