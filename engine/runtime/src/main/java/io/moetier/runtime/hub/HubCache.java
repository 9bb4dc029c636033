package io.moetier.runtime.hub;

import io.moetier.storage.file.UnfinishedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The folder in which the hub's own tools keep what they have downloaded, and we too.
///
/// `models--ORG--REPO/blobs` holds the content of files by their etags, `snapshots/COMMIT` links to it under the files'
/// names, and `refs` says which commit a branch or tag was at when it was last asked for.
///
/// @param folder as `HF_HUB_CACHE` names it
public record HubCache(Path folder) {
    private static final String PREFIX = "models--";
    private static final String BETWEEN = "--";

    /// Returns all repositories with an owner, as `ORG/REPO`, in the order of their names.
    public List<String> repositories() {
        List<String> repositories = new ArrayList<>();
        for (Path path : children(folder)) {
            String name = String.valueOf(path.getFileName());
            String[] parts = name.split(BETWEEN, -1);
            if (parts.length == 3 && name.startsWith(PREFIX) && Files.isDirectory(path.resolve("blobs"))) {
                repositories.add(parts[1] + "/" + parts[2]);
            }
        }
        return repositories;
    }

    /// Returns the commits of which files are there, in no order that means anything.
    public List<String> commits(String repository) {
        return children(folder(repository).resolve("snapshots")).stream()
                .map(path -> String.valueOf(path.getFileName()))
                .filter(HubRepository::isCommit)
                .toList();
    }

    /// Returns the names that stand for a commit.
    public List<String> revisions(String repository, String commit) {
        Path refs = folder(repository).resolve("refs");
        if (!Files.isDirectory(refs)) {
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(refs)) {
            return walk.filter(Files::isRegularFile)
                    .filter(ref -> read(ref).filter(commit::equals).isPresent())
                    .map(ref -> refs.relativize(ref).toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns what is there of a repository at the revision of `name`, as the hub would list it but for
    /// digests; nothing if that revision never was asked for.
    public Optional<HubRepository> find(HubName name) {
        String revision = HubRepository.revision(name);
        Optional<String> commit = HubRepository.isCommit(revision)
                ? Optional.of(revision)
                : read(folder(name.repository()).resolve("refs").resolve(revision))
                        .filter(HubRepository::isCommit);
        return commit.filter(known -> Files.isDirectory(snapshot(name.repository(), known)))
                .map(known -> new HubRepository(name, known, files(snapshot(name.repository(), known))));
    }

    private static List<HubFile> files(Path snapshot) {
        try (Stream<Path> walk = Files.walk(snapshot)) {
            List<HubFile> files = new ArrayList<>();
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                String etag = String.valueOf(file.toRealPath().getFileName());
                files.add(new HubFile(snapshot.relativize(file).toString(), Files.size(file), Optional.empty(), etag));
            }
            return files;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns the folder of a repository, which may not be there.
    public Path folder(String repository) {
        return folder.resolve(PREFIX + repository.replace("/", BETWEEN));
    }

    /// Returns where the files of a commit are, under their names.
    public Path snapshot(String repository, String commit) {
        return folder(repository).resolve("snapshots").resolve(commit);
    }

    /// Returns where the content of a file is.
    Path blob(HubRepository repository, HubFile file) {
        return folder(repository.name().repository()).resolve("blobs").resolve(file.etag());
    }

    /// Says whether a file is there, whole.
    boolean has(HubRepository repository, HubFile file) {
        Path path =
                snapshot(repository.name().repository(), repository.commit()).resolve(file.path());
        try {
            return Files.isRegularFile(path) && Files.size(path) == file.bytes();
        } catch (IOException e) {
            return false;
        }
    }

    /// Gives content that is there the name of a file.
    void link(HubRepository repository, HubFile file) throws IOException {
        Path snapshot = snapshot(repository.name().repository(), repository.commit());
        Path link = snapshot.resolve(file.path());
        Path parent = UnfinishedFile.folderOf(link);
        Files.createDirectories(parent);
        if (has(repository, file)) {
            return;
        }
        Files.deleteIfExists(link); // it leads nowhere, or to what the hub does not have there
        Files.createSymbolicLink(
                link,
                parent.relativize(
                        UnfinishedFile.folderOf(blob(repository, file)).resolve(file.etag())));
    }

    /// Notes which commit the revision of a repository is at.
    void note(HubRepository repository) throws IOException {
        String revision = HubRepository.revision(repository.name());
        if (HubRepository.isCommit(revision)) {
            return;
        }
        Path ref = folder(repository.name().repository()).resolve("refs").resolve(revision);
        if (read(ref).filter(repository.commit()::equals).isPresent()) {
            return;
        }
        Files.createDirectories(UnfinishedFile.folderOf(ref));
        try (UnfinishedFile file = UnfinishedFile.create(ref)) {
            Files.writeString(file.path(), repository.commit());
            file.publish();
        }
    }

    /// Returns how many bytes of files are there that are not whole.
    public long unfinishedBytes(String repository) throws IOException {
        long bytes = 0;
        for (Path file : children(folder(repository).resolve("blobs"))) {
            bytes += isUnfinished(file) ? PartialFile.arrivedBytes(file) : 0;
        }
        return bytes;
    }

    private static boolean isUnfinished(Path file) {
        return String.valueOf(file.getFileName()).endsWith(".incomplete");
    }

    /// Removes what is there of files that are not whole.
    public void removeUnfinished(String repository) throws IOException {
        for (Path file : children(folder(repository).resolve("blobs"))) {
            if (isUnfinished(file) || PartialFile.isNote(file)) {
                Files.deleteIfExists(file);
            }
        }
        removeIfEmpty(repository);
    }

    /// Removes files of a commit, and their content if no other commit has it.
    public void remove(HubRepository repository, List<HubFile> files) throws IOException {
        String name = repository.name().repository();
        Path snapshot = snapshot(name, repository.commit());
        Set<Path> contents = new HashSet<>();
        for (HubFile file : files) {
            Path path = snapshot.resolve(file.path());
            if (Files.isSymbolicLink(path) && Files.exists(path)) {
                contents.add(path.toRealPath());
            }
            Files.deleteIfExists(path);
        }
        contents.removeAll(linked(name));
        for (Path content : contents) {
            Files.deleteIfExists(content);
        }
        removeIfEmpty(name);
    }

    private Set<Path> linked(String repository) throws IOException {
        Set<Path> linked = new HashSet<>();
        try (Stream<Path> walk = Files.walk(folder(repository).resolve("snapshots"))) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                linked.add(file.toRealPath());
            }
        }
        return linked;
    }

    /// Removes folders of commits without files, and of a repository without commits.
    private void removeIfEmpty(String repository) throws IOException {
        for (String commit : commits(repository)) {
            Path snapshot = snapshot(repository, commit);
            try (Stream<Path> walk = Files.walk(snapshot)) {
                for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                    if (Files.isDirectory(path) && children(path).isEmpty()) {
                        Files.delete(path);
                    }
                }
            }
        }
        if (commits(repository).isEmpty() && unfinishedBytes(repository) == 0) {
            try (Stream<Path> walk = Files.walk(folder(repository))) {
                for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private static Optional<String> read(Path ref) {
        try {
            return Files.isRegularFile(ref) ? Optional.of(Files.readString(ref).strip()) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> children(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
