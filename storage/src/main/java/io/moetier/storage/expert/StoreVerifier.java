package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/// Reads every byte of a store and says what is damaged.
public final class StoreVerifier {
    private final Path directory;
    private final StoreManifest manifest;
    private final LongConsumer progress;
    private final List<Damage> damages = new ArrayList<>();

    private StoreVerifier(Path directory, StoreManifest manifest, LongConsumer progress) {
        this.directory = directory;
        this.manifest = manifest;
        this.progress = progress;
    }

    /// Returns everything that is wrong with the store in `directory`; nothing else is in it if the list is empty.
    ///
    /// @param progress told how many bytes were read since it was told last; they add up to the
    ///     manifest's `totalBytes`
    /// @throws MalformedModelException if there is no store at all, or the process may open no more files: then
    ///     nothing is known of the store
    public static List<Damage> verify(Path directory, LongConsumer progress) {
        try {
            Path resolved = StagingDirectory.resolve(directory);
            if (Files.notExists(resolved.resolve(StoreManifest.FILE_NAME))) {
                throw new MalformedModelException(
                        directory + " is not an expert store: it has no " + StoreManifest.FILE_NAME);
            }
            StoreManifest manifest;
            try {
                manifest = StoreManifest.read(resolved);
            } catch (MalformedModelException e) {
                if (IoFailure.isForWantOfFiles(e)) {
                    throw e;
                }
                // without its index nothing more can be said of the store
                String path = resolved.resolve(StoreManifest.FILE_NAME) + ": ";
                return List.of(new Damage(
                        StoreManifest.FILE_NAME, String.valueOf(e.getMessage()).replace(path, "")));
            }
            return new StoreVerifier(resolved, manifest, progress).verify();
        } catch (IOException e) {
            throw new MalformedModelException(directory + ": cannot be read: " + IoFailure.sentence(e), e);
        }
    }

    private List<Damage> verify() throws IOException {
        for (StoreManifest.StoreFile file : manifest.files()) {
            Path path = directory.resolve(file.name());
            if (!Files.isRegularFile(path)) {
                damages.add(new Damage(file.name(), "missing"));
            } else if (Files.size(path) != file.bytes()) {
                damages.add(new Damage(
                        file.name(), "length expected " + file.bytes() + " bytes, found " + Files.size(path)));
            } else {
                verifyContent(path, file);
            }
        }
        findStrangers();
        return List.copyOf(damages);
    }

    private void verifyContent(Path path, StoreManifest.StoreFile file) {
        try {
            if (file.holdsExperts()) {
                verifyExperts(path, file);
            } else {
                compare(file.name(), "", file.crc32c(), ExpertFileScan.checksumOf(path, progress));
            }
        } catch (IOException e) {
            if (IoFailure.isForWantOfFiles(e)) {
                throw new MalformedModelException(path + ": cannot be read: " + IoFailure.reason(e), e);
            }
            damages.add(new Damage(file.name(), "cannot be read: " + IoFailure.reason(e)));
        }
    }

    private void verifyExperts(Path path, StoreManifest.StoreFile file) throws IOException {
        int index = manifest.sizeClasses().stream()
                .map(StoreManifest.SizeClass::file)
                .toList()
                .indexOf(file.name());
        List<StoreManifest.Entry> blocks = manifest.blocksOf(index);
        long[] offsets = blocks.stream().mapToLong(StoreManifest.Entry::offset).toArray();
        long blockBytes =
                index < 0 ? 0 : manifest.sizeClasses().get(index).layout().blockBytes();
        ExpertFileScan scan = ExpertFileScan.of(path, offsets, blockBytes, progress);
        for (int i = 0; i < blocks.size(); i++) {
            compare(file.name(), blocks.get(i).id() + ": ", blocks.get(i).crc32c(), scan.blockChecksum(i));
        }
        compare(file.name(), "outside the experts: ", file.crc32c(), scan.frameChecksum());
    }

    private void compare(String file, String where, int expected, int found) {
        if (expected != found) {
            damages.add(new Damage(file, where + Checksums.mismatch(expected, found)));
        }
    }

    private void findStrangers() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> !name.equals(StoreManifest.FILE_NAME))
                    .filter(name -> manifest.file(name).isEmpty())
                    .sorted()
                    .forEach(name -> damages.add(new Damage(name, "not a file of this store")));
        }
    }
}
