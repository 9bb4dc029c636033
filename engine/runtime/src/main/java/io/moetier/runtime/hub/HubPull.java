package io.moetier.runtime.hub;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Downloads files of the hub into the hub's cache.
///
/// Parts come over several connections, and which are there survives whatever ends the process. A file gets its name
/// once its content has the digest that the hub told. Whoever calls waits, and may be interrupted.
public final class HubPull {
    private static final int LOOK_MILLIS = 200;

    private final Hub hub;
    private final HubCache cache;
    private final PullListener listener;
    private final PullSettings settings;
    private final FreeSpace freeSpace;

    /// Tells how many bytes may still be written into a directory.
    interface FreeSpace {
        long in(Path directory) throws IOException;
    }

    public HubPull(Hub hub, HubCache cache, PullListener listener) {
        this(
                hub,
                cache,
                listener,
                PullSettings.DEFAULT,
                folder -> folder.toFile().getUsableSpace());
    }

    HubPull(Hub hub, HubCache cache, PullListener listener, PullSettings settings, FreeSpace freeSpace) {
        this.hub = hub;
        this.cache = cache;
        this.listener = listener;
        this.settings = settings;
        this.freeSpace = freeSpace;
    }

    /// Says whether there is nothing to download.
    public boolean isThere(HubRepository repository, List<HubFile> files) {
        return files.stream().allMatch(file -> cache.has(repository, file));
    }

    /// Downloads those of `files` that are not there, and returns the folder in which all are now.
    ///
    /// @throws UncheckedIOException if that fails; what has come stays for the next time
    public Path pull(HubRepository repository, List<HubFile> files) {
        try {
            Map<String, HubFile> missing = new TreeMap<>(); // those who pull the same files wait in the same order
            for (HubFile file : files) {
                if (!cache.has(repository, file) && !isBlob(repository, file)) {
                    missing.putIfAbsent(file.etag(), file);
                }
            }
            if (!missing.isEmpty()) {
                requireRoom(repository, missing.values().stream().toList());
                download(repository, missing, files);
            }
            link(repository, files);
            cache.note(repository);
            return cache.snapshot(repository.name().repository(), repository.commit());
        } catch (IOException e) {
            throw new UncheckedIOException(IoFailure.sentence(e), e);
        }
    }

    /// Gives files their names: once all are there, and last the one without which the others are no model, so that
    /// nobody takes a part for the whole.
    private void link(HubRepository repository, List<HubFile> files) throws IOException {
        List<HubFile> left = new ArrayList<>(files);
        left.sort(Comparator.comparing(HubModel::makesModel));
        while (!left.isEmpty()) {
            HubFile file = left.removeFirst();
            boolean wanted = left.stream().anyMatch(other -> other.etag().equals(file.etag()));
            cache.link(repository, file, wanted);
        }
    }

    private boolean isBlob(HubRepository repository, HubFile file) throws IOException {
        Path blob = cache.blob(repository, file);
        return Files.isRegularFile(blob) && Files.size(blob) == file.bytes();
    }

    private void requireRoom(HubRepository repository, List<HubFile> files) throws IOException {
        long needed = 0;
        for (HubFile file : files) {
            needed += file.bytes()
                    - PartialFile.arrivedBytes(cache.blob(repository, file), file.bytes(), settings.chunkBytes());
        }
        Path folder = cache.folder(repository.name().repository());
        Files.createDirectories(folder);
        long free = freeSpace.in(folder);
        if (free < needed) {
            throw HubException.lasting("not enough space in " + cache.folder() + ": " + repository.name() + " needs "
                    + ByteSize.format(needed) + ", free " + ByteSize.format(free)
                    + "; HF_HUB_CACHE names another folder");
        }
    }

    private void download(HubRepository repository, Map<String, HubFile> missing, List<HubFile> files)
            throws IOException {
        List<FileDownload> downloads = openAll(repository, missing);
        long there = downloads.stream().mapToLong(FileDownload::arrivedBytes).sum();
        long toCome = downloads.stream().mapToLong(FileDownload::bytes).sum() - there;
        if (there > 0) {
            listener.note("resuming: " + ByteSize.format(there) + " of " + ByteSize.format(there + toCome)
                    + " are there already");
        }
        if (!downloads.isEmpty()) {
            // whoever ends the process waits for the end of the download, and that for what has come to be noted
            try (PullListener.Download running = listener.downloading(toCome)) {
                try {
                    new Transfer(hub, repository, downloads, settings).run(running);
                    link(repository, files); // before others may take the locks, and remove what has no name
                } finally {
                    close(downloads);
                }
            }
        }
    }

    private List<FileDownload> openAll(HubRepository repository, Map<String, HubFile> missing) throws IOException {
        List<FileDownload> downloads = new ArrayList<>();
        try {
            for (HubFile file : missing.values()) {
                open(repository, file)
                        .ifPresent(partial -> downloads.add(new FileDownload(file, partial, settings.chunkBytes())));
            }
            downloads.sort(Comparator.comparing(download -> download.file.path()));
            return downloads;
        } catch (IOException | RuntimeException | Error e) {
            close(downloads);
            throw e;
        }
    }

    /// Opens what is there of a file, once nobody else downloads it; nothing if somebody else has done so.
    private Optional<PartialFile> open(HubRepository repository, HubFile file) throws IOException {
        Path blob = cache.blob(repository, file);
        Optional<PartialFile> partial = PartialFile.open(blob, file.bytes(), settings.chunkBytes());
        if (partial.isEmpty()) {
            listener.note("waiting for another download of " + file.path());
        }
        while (partial.isEmpty()) {
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for another download of " + file.path());
            }
            partial = PartialFile.open(blob, file.bytes(), settings.chunkBytes());
        }
        if (isBlob(repository, file) || cache.has(repository, file)) {
            try (PartialFile needless = partial.get()) {
                needless.drop();
            }
            return Optional.empty();
        }
        return partial;
    }

    /// Closes all, also where one fails: each holds a lock, for which the next download would wait.
    static void close(List<FileDownload> downloads) throws IOException {
        boolean interrupted = Thread.interrupted(); // what has come is noted all the same
        Optional<IOException> failure = Optional.empty();
        for (FileDownload download : downloads) {
            try {
                download.partial.close();
            } catch (IOException e) {
                failure = failure.or(() -> Optional.of(e));
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
    }
}
