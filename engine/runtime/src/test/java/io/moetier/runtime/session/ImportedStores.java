package io.moetier.runtime.session;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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
        return STORES.computeIfAbsent(checkpoint.getFileName() + "-" + quantisation.label(), name -> {
            Path target = ROOT.resolve(name + ".mtier");
            try (ModelSource opened = ModelSource.open(checkpoint)) {
                new CheckpointImporter(opened, quantisation).run(target, false, bytes -> {});
            }
            return target;
        });
    }

    private static Path createRoot() {
        try {
            Path root = Files.createTempDirectory("moetier-stores");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(root)));
            return root;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path root) {
        try (var files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
