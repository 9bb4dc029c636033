package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SelfTestRecordTest {
    private static final Optional<String> NOTHING = Optional.empty();

    @TempDir
    Path scratch;

    private final AtomicInteger tests = new AtomicInteger();
    private Path directory = Path.of("");

    @BeforeEach
    void choose() {
        directory = scratch.resolve("kernels");
    }

    private Optional<String> asked(String circumstances, Optional<String> objection) {
        return new SelfTestRecord(directory, "library.passed", circumstances).or(() -> {
            tests.incrementAndGet();
            return objection;
        });
    }

    @Test
    void whatPassedIsNotTestedAgain() {
        assertEquals(NOTHING, asked("a processor", NOTHING));
        assertEquals(NOTHING, asked("a processor", Optional.of("it is not asked")));
        assertEquals(1, tests.get());
    }

    @Test
    void whatFailedIs() {
        Optional<String> objection = Optional.of("they attend wrongly here");
        assertEquals(objection, asked("a processor", objection));
        assertEquals(objection, asked("a processor", objection));
        assertEquals(2, tests.get());
    }

    @Test
    void anotherProcessorTestsItself() {
        asked("a processor", NOTHING);
        assertEquals(NOTHING, asked("another one", NOTHING));
        assertEquals(2, tests.get());
        asked("another one", NOTHING);
        assertEquals(2, tests.get());
    }

    @Test
    void whatOthersCanWriteIsNotBelieved() throws IOException {
        asked("a processor", NOTHING);
        Path file = directory.resolve("library.passed");
        if (!file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            assertTrue(Files.exists(file)); // only owners are compared there
            return;
        }
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        asked("a processor", NOTHING);
        assertEquals(2, tests.get());
        asked("a processor", NOTHING);
        assertEquals(2, tests.get(), "it was written anew, for this user alone");
    }

    @Test
    void whereNothingCanBeKeptEachStartTests() throws IOException {
        directory = Files.createFile(scratch.resolve("file")).resolve("kernels");
        asked("a processor", NOTHING);
        assertEquals(NOTHING, asked("a processor", NOTHING));
        assertEquals(2, tests.get());
    }
}
