package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.TinyGguf;
import io.moetier.storage.file.FileTree;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Runs every command that a document shows in a `sh` block, in the order shown, as a user would.
class DocumentationTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());
    private static final int LEAST_COMMANDS = 10;
    private static final List<String> SHOWN = List.of("moetier", "test-data");
    private static final Pattern BLOCK = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:\\s]*)(?:#([^)\\s]*))?\\)");
    private static final Pattern BLOCK_OF_ANY_KIND = Pattern.compile("```.*?```", Pattern.DOTALL);
    private static final Pattern HEADING = Pattern.compile("^#+ +(.*)$", Pattern.MULTILINE);

    /// One for all documents, as a reader has one: what the first has imported and measured serves the others.
    @TempDir
    static Path cache = Path.of("");

    /// The hub that commands in documents ask: it has small models under the names of large ones.
    private static final HubDouble HUB = hub();

    /// What one document has left there is none of the next one's.
    @TempDir
    static Path directory = Path.of("");

    private static @Nullable ShownCommands shown;

    static Stream<Path> documents() {
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            return Stream.concat(
                            Stream.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
                                    .map(ROOT::resolve),
                            docs.toList().stream())
                    .filter(file -> file.toString().endsWith(".md"))
                    .map(ROOT::relativize)
                    .sorted();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyCommandWorks(Path document) throws IOException, InterruptedException {
        List<String> commands = commands(document);
        if (commands.isEmpty()) {
            return;
        }
        for (String link : SHOWN) {
            Files.createSymbolicLink(directory.resolve(link), ROOT.resolve(link));
        }
        for (String command : commands) {
            ChildProcess.Ended ended = shown().run(command);
            assertEquals(0, ended.exitCode(), () -> document + ": " + command + ": " + ended.said());
        }
    }

    private static ShownCommands shown() {
        ShownCommands present = shown;
        if (present == null) {
            present = new ShownCommands(directory, cache, HUB);
            shown = present;
        }
        return present;
    }

    private static HubDouble hub() {
        try {
            HubDouble hub = HubDouble.start();
            hub.put("allenai/OLMoE-1B-7B-0924", TestData.root().resolve("models/tiny-mixtral"));
            Path folder = Files.createTempDirectory("moetier-hub");
            Path gguf = new TinyGguf().write(folder.resolve("olmoe-1b-7b-0924-instruct-q4_k_m.gguf"));
            hub.put(
                    "allenai/OLMoE-1B-7B-0924-Instruct-GGUF",
                    Map.of(String.valueOf(gguf.getFileName()), Files.readAllBytes(gguf)));
            Files.delete(gguf);
            Files.delete(folder);
            return hub;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void endCommandsAndHub() {
        shown().close();
        HUB.close();
    }

    @AfterEach
    void emptyDirectory() throws IOException {
        shown().endDocument();
        try (Stream<Path> left = Files.list(directory)) {
            for (Path each : left.toList()) { // the directory itself is where commands run
                FileTree.delete(each);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyLinkLeadsToAFileAndAHeading(Path document) {
        LINK.matcher(read(ROOT.resolve(document))).results().forEach(link -> {
            Path source = ROOT.resolve(document);
            Path target = link.group(1).isEmpty() ? source : source.resolveSibling(link.group(1));
            assertTrue(Files.exists(target), () -> document + ": " + link.group());
            assertTrue(
                    link.group(2) == null || anchors(target).contains(link.group(2)),
                    () -> document + ": " + link.group());
        });
    }

    /// Returns what headings are linked by.
    private static Set<String> anchors(Path document) {
        return HEADING.matcher(BLOCK_OF_ANY_KIND.matcher(read(document)).replaceAll(""))
                .results()
                .map(heading -> heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N}_ -]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    @Test
    void theScanSawTheCommands() {
        long seen = documents().mapToLong(document -> commands(document).size()).sum();
        assertTrue(seen >= LEAST_COMMANDS, () -> "saw only " + seen);
    }

    private static List<String> commands(Path document) {
        List<String> commands = new ArrayList<>();
        BLOCK.matcher(read(ROOT.resolve(document)))
                .results()
                .forEach(match ->
                        match.group(1).lines().filter(line -> !line.isBlank()).forEach(commands::add));
        return commands;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
