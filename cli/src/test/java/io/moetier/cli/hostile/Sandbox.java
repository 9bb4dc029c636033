package io.moetier.cli.hostile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The folders of a run: what it reads, and the three that it may write to.
record Sandbox(Path root) {
    Path inputs() {
        return folder("inputs");
    }

    Path home() {
        return folder("home");
    }

    Path cache() {
        return folder("cache");
    }

    Path work() {
        return folder("work");
    }

    Path temporary() {
        return folder("tmp");
    }

    private Path folder(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns what lies outside the folders that may be written to, with sizes and times.
    Map<String, String> untouchable() {
        Map<String, String> files = new TreeMap<>();
        for (Path file : below(root)) {
            if (!Stream.of(cache(), work(), temporary()).anyMatch(file::startsWith)) {
                files.put(root.relativize(file).toString(), stamp(file));
            }
        }
        return files;
    }

    /// Returns the names of what lies in the folder of results.
    List<String> results() {
        return below(work()).stream()
                .filter(file -> !file.equals(work()))
                .map(file -> work().relativize(file).toString())
                .sorted()
                .toList();
    }

    void clearResults() throws IOException {
        for (Path file : below(work()).reversed()) {
            if (!file.equals(work())) {
                Files.delete(file);
            }
        }
    }

    /// Removes all of it, links before what they lead to.
    void remove() throws IOException {
        for (Path file : below(root).reversed()) {
            Files.delete(file);
        }
    }

    private static String stamp(Path file) {
        try {
            return Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)
                    ? "folder"
                    : Files.size(file) + " bytes of " + Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> below(Path folder) {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.sorted(Comparator.naturalOrder()).collect(Collectors.toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
