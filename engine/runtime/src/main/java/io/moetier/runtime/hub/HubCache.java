package io.moetier.runtime.hub;

import io.moetier.storage.file.FileTree;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
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

    /// Returns all repositories with an owner, as `ORG/REPO`, in the order of their names, also those that this
    /// user may not look into.
    public List<String> repositories() {
        List<String> repositories = new ArrayList<>();
        for (Path path : children(folder)) {
            String name = String.valueOf(path.getFileName());
            String[] parts = name.split(BETWEEN, -1);
            if (parts.length == 3 && name.startsWith(PREFIX) && !Files.notExists(path.resolve("blobs"))) {
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
        return blobs(repository.name().repository()).resolve(file.etag());
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

    /// Gives content that is there the name of a file. Where the file system has no symbolic links it becomes the file,
    /// as with the hub's own tools.
    ///
    /// @param wanted whether another file is to be had of the same content
    void link(HubRepository repository, HubFile file, boolean wanted) throws IOException {
        Path snapshot = snapshot(repository.name().repository(), repository.commit());
        Path link = snapshot.resolve(file.path());
        Path parent = UnfinishedFile.folderOf(link);
        Files.createDirectories(parent);
        if (has(repository, file)) {
            return;
        }
        Files.deleteIfExists(link); // it leads nowhere, or to what the hub does not have there
        Path blob = UnfinishedFile.folderOf(blob(repository, file)).resolve(file.etag());
        try {
            Files.createSymbolicLink(link, parent.relativize(blob));
        } catch (UnsupportedOperationException | FileSystemException e) {
            place(blob, link, wanted || isLinked(repository.name().repository(), file));
        }
    }

    private static void place(Path blob, Path file, boolean stays) throws IOException {
        if (stays) {
            Files.copy(blob, file);
        } else {
            Files.move(blob, file, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private boolean isLinked(String repository, HubFile file) throws IOException {
        return linked(repository).contains(blobs(repository).resolve(file.etag()));
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

    /// Returns a file that a checkpoint of a commit cannot do without and that is not there: the first that its index
    /// tells of, or an index that is none.
    public Optional<String> missing(HubRepository repository, HubSelection selection) {
        Path snapshot = snapshot(repository.name().repository(), repository.commit());
        if (selection.files().stream().noneMatch(file -> file.path().equals(HubModel.INDEX))) {
            return Optional.empty();
        }
        try {
            JsonObject weights =
                    Json.readObject(snapshot.resolve(HubModel.INDEX)).requireObject("weight_map");
            return weights.keys().stream()
                    .map(weights::requireString)
                    .distinct()
                    .filter(file -> repository.file(file).isEmpty())
                    .sorted()
                    .findFirst();
        } catch (MalformedModelException e) {
            return Optional.of(HubModel.INDEX);
        }
    }

    /// Returns how many bytes have come of downloads that did not end well, or have not ended: of files that are not
    /// whole, and of those that wait for the others. Nothing if there is no such download. What the hub's own tools
    /// have not finished is theirs.
    public OptionalLong unfinishedBytes(String repository) throws IOException {
        List<Path> unfinished = unfinished(repository);
        long bytes = 0;
        for (Path file : unfinished) {
            if (PartialFile.isUnfinished(file)) {
                bytes += PartialFile.arrivedBytes(file);
            } else if (!PartialFile.isNote(file)) {
                bytes += Files.size(file);
            }
        }
        return unfinished.isEmpty() ? OptionalLong.empty() : OptionalLong.of(bytes);
    }

    /// Returns content that no commit has, and what there is of files that are not whole.
    private List<Path> unfinished(String repository) throws IOException {
        List<Path> unfinished = new ArrayList<>();
        Set<Path> linked = linked(repository);
        for (Path file : children(blobs(repository))) {
            String name = String.valueOf(file.getFileName());
            boolean whole = HubFile.isDigest(name) && !linked.contains(file);
            if (whole || PartialFile.isUnfinished(file) || PartialFile.isNote(file)) {
                unfinished.add(file);
            }
        }
        return unfinished;
    }

    /// Removes what [#unfinishedBytes] counts.
    ///
    /// @throws IOException as [#requireIdle]
    public void removeUnfinished(String repository) throws IOException {
        requireIdle(repository);
        for (Path file : unfinished(repository)) {
            Files.deleteIfExists(file);
        }
        removeIfEmpty(repository);
    }

    /// Sees that nobody downloads files of a repository.
    ///
    /// @throws IOException if somebody does
    public void requireIdle(String repository) throws IOException {
        for (Path file : children(blobs(repository))) {
            if (PartialFile.isHeld(file)) {
                throw HubException.lasting(
                        "hf:" + repository + " is being downloaded; it can be removed once that has ended");
            }
        }
    }

    /// Removes files of a commit, and their content if no other commit has it.
    ///
    /// @throws IOException as [#requireIdle]
    public void remove(HubRepository repository, List<HubFile> files) throws IOException {
        String name = repository.name().repository();
        requireIdle(name);
        Path snapshot = snapshot(name, repository.commit());
        Set<Path> contents = new HashSet<>();
        for (HubFile file : files) {
            Path path = snapshot.resolve(file.path());
            content(name, path).ifPresent(contents::add);
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
        Path snapshots = folder(repository).resolve("snapshots");
        if (Files.isDirectory(snapshots)) {
            try (Stream<Path> walk = Files.walk(snapshots)) {
                for (Path file : walk.filter(Files::isSymbolicLink).toList()) {
                    content(repository, file).ifPresent(linked::add);
                }
            }
        }
        return linked;
    }

    /// Returns where among the content of a repository a link leads; nothing if that is elsewhere.
    private Optional<Path> content(String repository, Path link) throws IOException {
        Path blobs = blobs(repository);
        if (!Files.isSymbolicLink(link) || !Files.isDirectory(blobs)) {
            return Optional.empty();
        }
        Path target = UnfinishedFile.folderOf(link).toRealPath().resolve(Files.readSymbolicLink(link));
        Path holder = UnfinishedFile.folderOf(target);
        return Files.isDirectory(holder) && Files.isSameFile(holder, blobs)
                ? Optional.of(blobs.resolve(target.getFileName()))
                : Optional.empty();
    }

    private Path blobs(String repository) {
        return folder(repository).resolve("blobs");
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
        if (commits(repository).isEmpty() && children(blobs(repository)).isEmpty()) {
            FileTree.delete(folder(repository));
        }
    }

    private static Optional<String> read(Path ref) {
        try {
            return Files.isRegularFile(ref)
                    ? Optional.of(new String(Files.readAllBytes(ref), StandardCharsets.UTF_8).strip()) // be it no text
                    : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> children(Path folder) {
        if (Files.notExists(folder) || Files.isRegularFile(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
