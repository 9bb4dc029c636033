package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.HubDouble.Fault;
import io.moetier.testdata.HubDouble.Request;
import io.moetier.testdata.Seeds;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubPullTest {
    private static final HubName NAME = HubName.parse("hf:org/repo");
    private static final int CHUNK = KilledPull.SETTINGS.chunkBytes();
    private static final byte[] LARGE = random(100 * CHUNK - 7);
    private static final byte[] SMALL = "{}\n".getBytes(StandardCharsets.UTF_8);
    private static final Map<String, byte[]> FILES =
            Map.of("a.gguf", LARGE, "config.json", SMALL, "sub/empty.json", new byte[0]);

    @TempDir
    Path folder;

    private HubDouble server;
    private Hub hub;

    @BeforeEach
    void start() throws IOException {
        server = HubDouble.start();
        server.put("org/repo", FILES);
        hub = KilledPull.hub(server.endpoint());
    }

    @AfterEach
    void stop() {
        hub.close();
        server.close();
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private Path pull() {
        HubRepository repository = hub.repository(NAME);
        return KilledPull.pull(hub, folder).pull(repository, repository.files());
    }

    @Test
    void filesLieAsTheHubsOwnToolsHaveThem() throws IOException {
        Path snapshot = pull();
        Path repository = folder.resolve("models--org--repo");
        String commit = server.commit("org/repo");
        assertEquals(repository.resolve("snapshots").resolve(commit), snapshot);
        assertEquals(commit, Files.readString(repository.resolve("refs/main")));
        for (Map.Entry<String, byte[]> file : FILES.entrySet()) {
            Path path = snapshot.resolve(file.getKey());
            assertArrayEquals(file.getValue(), Files.readAllBytes(path));
            assertTrue(Files.isSymbolicLink(path));
            assertFalse(Files.readSymbolicLink(path).isAbsolute());
            String etag = HubDouble.etag(file.getKey(), file.getValue());
            assertEquals(repository.resolve("blobs").resolve(etag).toRealPath(), path.toRealPath());
        }
        assertEquals(FILES.size(), names(repository.resolve("blobs")).size());
    }

    @Test
    void whatIsThereIsNotAskedForAgain() throws IOException {
        Path snapshot = pull();
        server.forget();
        pull();
        assertEquals(0, server.requests().stream().filter(Request::isOfFile).count());
        Files.delete(snapshot.resolve("a.gguf")); // the blob is still there
        pull();
        assertEquals(0, server.requests().stream().filter(Request::isOfFile).count());
        assertArrayEquals(LARGE, Files.readAllBytes(snapshot.resolve("a.gguf")));
        assertTrue(KilledPull.pull(hub, folder)
                .isThere(hub.repository(NAME), hub.repository(NAME).files()));
    }

    @Test
    void aNewCommitTakesOnlyWhatHasChanged() throws IOException {
        pull();
        byte[] other = "[]".getBytes(StandardCharsets.UTF_8);
        server.put("org/repo", Map.of("a.gguf", LARGE, "config.json", other));
        server.forget();
        Path snapshot = pull();
        assertEquals(
                List.of("/org/repo/resolve/" + server.commit("org/repo") + "/config.json"),
                server.requests().stream()
                        .filter(Request::isOfFile)
                        .map(Request::path)
                        .toList());
        assertArrayEquals(LARGE, Files.readAllBytes(snapshot.resolve("a.gguf")));
        assertArrayEquals(other, Files.readAllBytes(snapshot.resolve("config.json")));
    }

    @Test
    void cutConnectionsCostNothingThatHasCome() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        server.fail(
                request -> request.atStore() && asked.getAndIncrement() % 2 == 0 ? Fault.cut(2L * CHUNK) : Fault.NONE);
        assertArrayEquals(LARGE, Files.readAllBytes(pull().resolve("a.gguf")));
        assertEquals(List.of(), names(folder.resolve("models--org--repo/blobs"), "moetier"));
    }

    @Test
    void aFileComesInOnePartWhereTheHubGivesNoOthers() throws IOException {
        AtomicInteger whole = new AtomicInteger();
        server.fail(request -> {
            if (!request.atStore() || request.to() < 50L * CHUNK) {
                return Fault.NONE;
            }
            boolean isCut = request.from() == 0 && whole.getAndIncrement() == 0;
            return new Fault(200, Map.of(), isCut ? 70L * CHUNK + 1 : -1, Function.identity(), () -> {});
        });
        assertArrayEquals(LARGE, Files.readAllBytes(pull().resolve("a.gguf")));
        assertEquals(2, whole.get());
        assertEquals(List.of(), names(folder.resolve("models--org--repo/blobs"), "moetier"));
    }

    @Test
    void whatCannotBeWrittenIsNamedWithTheReason() throws IOException {
        Path blobs =
                Files.createDirectories(folder.resolve("models--org--repo")).resolve("blobs");
        Files.createSymbolicLink(blobs, folder.resolve("nowhere"));
        assertEquals(
                blobs + ": a file of that name exists",
                assertThrows(UncheckedIOException.class, this::pull).getMessage());
        Path target = folder.resolve("target");
        try (PartialFile file = PartialFile.open(target, 10, CHUNK).orElseThrow()) {
            String message = String.valueOf(
                    assertThrows(IOException.class, () -> file.write(ByteBuffer.allocate(2), Long.MAX_VALUE))
                            .getMessage());
            assertTrue(message.startsWith(target + ": cannot be written: "), message);
        }
    }

    @Test
    void anotherDigestIsNoFile() throws IOException {
        server.fail(request -> request.atStore() && request.from() == 8L * CHUNK
                ? Fault.content(bytes -> {
                    bytes[17] ^= 1;
                    return bytes;
                })
                : Fault.NONE);
        String message = failure();
        assertTrue(message.startsWith("a.gguf: what came has the digest "), message);
        String etag = HubDouble.etag("a.gguf", LARGE);
        assertEquals(List.of(), names(folder.resolve("models--org--repo/blobs"), etag));
        server.fail(request -> Fault.NONE);
        assertArrayEquals(LARGE, Files.readAllBytes(pull().resolve("a.gguf")));
    }

    @Test
    void aFileThatChangesMeanwhileIsNoFile() {
        HubRepository repository = hub.repository(NAME);
        server.put("org/repo", Map.of("a.gguf", random(100 * CHUNK)));
        UncheckedIOException e = assertThrows(
                UncheckedIOException.class,
                () -> KilledPull.pull(hub, folder)
                        .pull(repository, List.of(repository.file("a.gguf").orElseThrow())));
        assertEquals("a.gguf: another file is there now than the hub told of; try again", e.getMessage());
        assertFalse(Files.exists(folder.resolve("models--org--repo/snapshots"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void roomIsAskedForBefore() {
        HubRepository repository = hub.repository(NAME);
        server.forget();
        HubPull pull = new HubPull(hub, new HubCache(folder), PullListener.SILENT, KilledPull.SETTINGS, path -> 1_000);
        UncheckedIOException e =
                assertThrows(UncheckedIOException.class, () -> pull.pull(repository, repository.files()));
        assertEquals(
                "not enough space in " + folder
                        + ": hf:org/repo needs 97.7 KiB, free 1000 B; HF_HUB_CACHE names another" + " folder",
                e.getMessage());
        assertEquals(List.of(), server.requests());
    }

    @Test
    void anInterruptLeavesWhatHasCome() throws Exception {
        CountDownLatch held = new CountDownLatch(2); // both connections
        CountDownLatch release = new CountDownLatch(1);
        List<Request> answered = answerOnly(5, held, release);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                pull();
            } catch (UncheckedIOException e) {
                end.set(e);
            }
        });
        held.await();
        thread.interrupt();
        thread.join();
        release.countDown();
        assertTrue(String.valueOf(Objects.requireNonNull(end.get()).getMessage())
                .startsWith("interrupted; what has come stays"));
        resume(answered);
    }

    @Test
    void aKillLeavesWhatHasCome() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        List<Request> answered = answerOnly(5, new CountDownLatch(2), release);
        ProcessBuilder program = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                KilledPull.class.getName(),
                server.endpoint().toString(),
                folder.toString());
        program.redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile());
        Path blob = folder.resolve("models--org--repo/blobs").resolve(HubDouble.etag("a.gguf", LARGE));
        try (ChildProcess child = ChildProcess.start(program)) {
            while (PartialFile.arrivedBytes(blob, LARGE.length, CHUNK) < 20L * CHUNK) {
                assertTrue(child.process().isAlive(), () -> read(folder.resolve("said")));
                Thread.sleep(1); // the processor is needed for what is waited for
            }
        }
        release.countDown();
        assertFalse(Files.exists(blob));
        resume(answered);
    }

    /// Lets the server answer some requests for parts and hold all others; returns those that it answers.
    private List<Request> answerOnly(int most, CountDownLatch held, CountDownLatch release) {
        List<Request> answered = new ArrayList<>();
        server.fail(request -> {
            synchronized (answered) {
                if (!request.atStore()) {
                    return Fault.NONE;
                }
                if (answered.size() < most) {
                    answered.add(request);
                    return Fault.NONE;
                }
            }
            return Fault.held(() -> {
                held.countDown();
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        });
        return answered;
    }

    /// Downloads what is missing, and sees that nothing is asked for that was there.
    private void resume(List<Request> answered) throws IOException {
        server.fail(request -> Fault.NONE);
        server.forget();
        assertArrayEquals(LARGE, Files.readAllBytes(pull().resolve("a.gguf")));
        BitSet before = chunks(answered.stream());
        BitSet after = chunks(server.requests().stream().filter(Request::atStore));
        assertEquals(20, before.cardinality());
        assertFalse(before.intersects(after), () -> before + " and " + after);
        assertEquals(80, after.cardinality());
    }

    private static BitSet chunks(Stream<Request> requests) {
        BitSet chunks = new BitSet();
        requests.forEach(request -> chunks.set((int) request.from() / CHUNK, (int) request.to() / CHUNK + 1));
        return chunks;
    }

    @Test
    void twoAtOnceDownloadOnce() throws InterruptedException {
        List<String> notes = new ArrayList<>();
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch waiting = new CountDownLatch(1);
        server.fail(request -> request.atStore() && request.from() == 0
                ? Fault.held(() -> {
                    first.countDown();
                    try {
                        waiting.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                })
                : Fault.NONE);
        Thread other = Thread.ofPlatform().start(this::pull);
        first.await();
        PullListener listener = new PullListener() {
            @Override
            public void note(String line) {
                notes.add(line);
                waiting.countDown();
            }
        };
        HubRepository repository = hub.repository(NAME);
        new HubPull(hub, new HubCache(folder), listener, KilledPull.SETTINGS, path -> Long.MAX_VALUE)
                .pull(repository, repository.files());
        other.join();
        assertEquals(1, notes.size(), notes::toString);
        assertTrue(notes.getFirst().startsWith("waiting for another download of "));
        assertEquals(25, server.requests().stream().filter(Request::atStore).count()); // each part once
    }

    @Test
    void whateverFailsAFileIsWholeOrNotThere() {
        HubRepository repository = hub.repository(NAME);
        Seeds.each(40, (seed, random) -> {
            Path cache = folder.resolve("cache-" + seed);
            HubPull pull = new HubPull(
                    hub,
                    new HubCache(cache),
                    PullListener.SILENT,
                    new PullSettings(3, CHUNK, 4, 1),
                    path -> Long.MAX_VALUE);
            for (int attempt = 0; attempt < 3; attempt++) {
                int odds = attempt == 2 ? Integer.MAX_VALUE : 2 + random.nextInt(20);
                server.fail(request -> request.isOfFile() ? fault(random, odds) : Fault.NONE);
                try {
                    pull.pull(repository, repository.files());
                } catch (UncheckedIOException e) {
                    // what then must hold is asked for next
                }
                requireWholeOrMissing(cache);
            }
            // what came wrong before has been found now, and has gone
            Path snapshot = pull.pull(repository, repository.files());
            for (Map.Entry<String, byte[]> file : FILES.entrySet()) {
                assertArrayEquals(file.getValue(), Files.readAllBytes(snapshot.resolve(file.getKey())));
            }
        });
    }

    private static Fault fault(SplittableRandom random, int odds) {
        synchronized (random) {
            if (random.nextInt(odds) > 0) {
                return Fault.NONE;
            }
            int where = random.nextInt(3 * CHUNK);
            Function<byte[], byte[]> altered = bytes -> {
                if (bytes.length > 0) {
                    bytes[where % bytes.length] ^= 1;
                }
                return bytes;
            };
            return switch (random.nextInt(7)) {
                case 0 -> Fault.status(503, Map.of("Retry-After", "1"));
                case 1 -> Fault.status(429, Map.of());
                case 2 -> Fault.status(403, Map.of());
                case 3 -> Fault.content(altered);
                case 4 -> Fault.headers(Map.of("Content-Range", "bytes 0-1/2"));
                case 5 -> Fault.content(bytes -> Arrays.copyOf(bytes, bytes.length / 2));
                default -> Fault.cut(where);
            };
        }
    }

    private static void requireWholeOrMissing(Path cache) throws IOException {
        Path blobs = cache.resolve("models--org--repo/blobs");
        for (Map.Entry<String, byte[]> file : FILES.entrySet()) {
            Path blob = blobs.resolve(HubDouble.etag(file.getKey(), file.getValue()));
            if (Files.exists(blob)) {
                assertArrayEquals(file.getValue(), Files.readAllBytes(blob));
            }
        }
        assertEquals(List.of(), names(blobs, ".lock"));
    }

    @Test
    void whatIsThereIsListedWithoutTheHub() {
        pull();
        HubRepository repository = new HubCache(folder).find(NAME).orElseThrow();
        assertEquals(server.commit("org/repo"), repository.commit());
        assertEquals(
                List.of("a.gguf", "config.json", "sub/empty.json"),
                repository.files().stream().map(HubFile::path).toList());
        assertEquals(Optional.empty(), new HubCache(folder).find(HubName.parse("hf:org/repo@v2")));
        assertEquals(List.of("org/repo"), new HubCache(folder).repositories());
        assertEquals(List.of("main"), new HubCache(folder).revisions("org/repo", repository.commit()));
    }

    @Test
    void whatNamesNoCommitIsPassedOver() throws IOException {
        pull();
        HubCache cache = new HubCache(folder);
        Path refs = cache.folder("org/repo").resolve("refs");
        Files.write(refs.resolve("v2"), new byte[] {(byte) 0xFF, (byte) 0xFE, 0, '!'});
        assertEquals(List.of("main"), cache.revisions("org/repo", server.commit("org/repo")));
        assertEquals(Optional.empty(), cache.find(HubName.parse("hf:org/repo@v2")));
    }

    @Test
    void contentBecomesFilesWhereThereAreNoLinks() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(folder.resolve("a.zip"), Map.of("create", true))) {
            HubCache cache = new HubCache(zip.getPath("/hub"));
            String commit = "0123456789abcdef0123456789abcdef01234567";
            HubRepository repository = new HubRepository(
                    HubName.parse("hf:org/repo@" + commit),
                    commit,
                    Stream.of("a.json", "sub/b.json")
                            .map(name -> new HubFile(name, SMALL.length, Optional.empty(), commit))
                            .toList());
            Path blob = cache.folder("org/repo").resolve("blobs").resolve(commit);
            Files.createDirectories(blob.getParent());
            Files.write(blob, SMALL);
            Path snapshot = KilledPull.pull(hub, cache.folder()).pull(repository, repository.files());
            assertArrayEquals(SMALL, Files.readAllBytes(snapshot.resolve("a.json")));
            assertArrayEquals(SMALL, Files.readAllBytes(snapshot.resolve("sub/b.json")));
            assertFalse(Files.exists(blob), "it would take the space twice");
            cache.remove(repository, repository.files());
            assertFalse(Files.exists(cache.folder("org/repo")));
        }
    }

    private String failure() {
        return String.valueOf(
                assertThrows(UncheckedIOException.class, this::pull).getMessage());
    }

    private static List<String> names(Path folder, String part) throws IOException {
        return names(folder).stream().filter(name -> name.contains(part)).toList();
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void filesGetTheirNamesOnceAllAreThere() throws IOException {
        server.put("org/repo", Map.of("a.json", SMALL, "b.gguf", LARGE));
        Path repository = folder.resolve("models--org--repo");
        Path first = repository.resolve("blobs").resolve(HubDouble.etag("a.json", SMALL));
        Runnable untilTheFirstIsThere = () -> {
            while (!Files.exists(first)) {
                Thread.onSpinWait();
            }
        };
        Fault refusal = new Fault(403, Map.of(), -1, Function.identity(), untilTheFirstIsThere);
        server.fail(request -> request.atStore() ? refusal : Fault.NONE);
        failure();
        assertFalse(Files.exists(repository.resolve("snapshots")));
        assertEquals(OptionalLong.of(SMALL.length), new HubCache(folder).unfinishedBytes("org/repo"));
        server.fail(request -> Fault.NONE);
        server.forget();
        Path snapshot = pull();
        assertFalse(
                server.requests().stream().anyMatch(request -> request.path().endsWith("a.json")));
        assertArrayEquals(SMALL, Files.readAllBytes(snapshot.resolve("a.json")));
        assertEquals(OptionalLong.empty(), new HubCache(folder).unfinishedBytes("org/repo"));
    }

    @Test
    void aFileThatCannotBeClosedKeepsNoOtherOneLocked() throws IOException {
        HubFile file = new HubFile("a.gguf", LARGE.length, Optional.empty(), "0".repeat(40));
        PartialFile broken = partial("broken");
        FileDownload first = new FileDownload(file, broken, CHUNK);
        FileDownload second = new FileDownload(file, partial("whole"), CHUNK);
        broken.close();
        broken.markArrived(0); // which can be noted no more
        assertThrows(ClosedChannelException.class, () -> HubPull.close(List.of(first, second)));
        partial("whole").close(); // it is nobody's any more
    }

    private PartialFile partial(String name) throws IOException {
        return PartialFile.open(folder.resolve(name), LARGE.length, CHUNK).orElseThrow();
    }

    @Test
    void whatIsBeingDownloadedIsNotRemoved() throws Exception {
        HubCache cache = new HubCache(folder);
        CountDownLatch held = new CountDownLatch(2); // both connections
        CountDownLatch release = new CountDownLatch(1);
        answerOnly(0, held, release);
        Thread thread = Thread.ofPlatform().start(this::pull);
        held.await();
        IOException e = assertThrows(IOException.class, () -> cache.removeUnfinished("org/repo"));
        assertEquals("hf:org/repo is being downloaded; it can be removed once that has ended", e.getMessage());
        HubRepository repository = hub.repository(NAME);
        assertThrows(IOException.class, () -> cache.remove(repository, repository.files()));
        release.countDown();
        thread.join();
        assertTrue(KilledPull.pull(hub, folder).isThere(repository, repository.files()));
        cache.remove(repository, repository.files());
        assertFalse(Files.exists(cache.folder("org/repo")));
    }

    @Test
    void othersUnfinishedFilesStay() throws IOException {
        server.fail(request -> request.atStore() ? Fault.status(403, Map.of()) : Fault.NONE);
        failure();
        HubCache cache = new HubCache(folder);
        Path theirs = cache.folder("org/repo").resolve("blobs/" + HubDouble.etag("x.gguf", SMALL) + ".incomplete");
        Files.write(theirs, SMALL);
        cache.removeUnfinished("org/repo");
        assertEquals(List.of(String.valueOf(theirs.getFileName())), names(theirs.resolveSibling("")));
    }

    @Test
    void contentElsewhereIsNotRemoved() throws IOException {
        Path snapshot = pull();
        Path elsewhere = Files.write(folder.resolve("mine"), SMALL);
        Files.delete(snapshot.resolve("config.json"));
        Files.createSymbolicLink(snapshot.resolve("config.json"), elsewhere);
        HubCache cache = new HubCache(folder);
        HubRepository repository = cache.find(NAME).orElseThrow();
        cache.remove(repository, repository.files());
        assertTrue(Files.exists(elsewhere));
        assertFalse(Files.exists(snapshot));
    }
}
