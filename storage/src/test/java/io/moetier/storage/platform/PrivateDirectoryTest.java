package io.moetier.storage.platform;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.file.UnfinishedFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateDirectoryTest {
    private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000_000_000L);
    private static final URL IN_JAR = Objects.requireNonNull(Test.class.getResource("Test.class"));
    /// Not from a jar, which would know its checksum.
    private static final URL IN_DIRECTORY =
            Objects.requireNonNull(PrivateDirectoryTest.class.getResource("PrivateDirectoryTest.class"));

    @TempDir
    Path scratch;

    @Test
    void unpacksOnce() throws IOException {
        for (URL resource : List.of(IN_JAR, IN_DIRECTORY)) {
            Path file = unpack(resource);
            assertArrayEquals(content(resource), Files.readAllBytes(file));
            assertEquals(List.of(file), files(scratch.resolve("kept")));
            Files.setLastModifiedTime(file, LONG_AGO);
            unpack(resource);
            assertEquals(LONG_AGO, Files.getLastModifiedTime(file));
        }
    }

    @Test
    void writesBytesToANewFile() throws IOException {
        try (PrivateDirectory directory = PrivateDirectory.temporary()) {
            Path file = directory.write(new byte[] {1, 2, 3}, "three");
            assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(file));
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
            assertThrows(IOException.class, () -> directory.write(new byte[0], "three"));
            directory.closeAtExit();
            assertTrue(Files.exists(file));
        }
    }

    @Test
    void remembersTextsUnlessOthersMayWriteThem() throws IOException {
        try (PrivateDirectory directory = PrivateDirectory.kept(scratch.resolve("private"))) {
            assertEquals(Optional.empty(), directory.text("note"));
            directory.replace("note", "one");
            directory.replace("note", "two");
            assertEquals(Optional.of("two"), directory.text("note"));
            Path file = scratch.resolve("private/note");
            if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
                assertEquals(Optional.empty(), directory.text("note"));
            }
        }
    }

    @Test
    void nobodyElseMayWriteWhatItMakes() throws IOException {
        for (Path made : List.of(unpack(IN_JAR), scratch.resolve("kept"))) {
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(made)));
        }
    }

    @Test
    void replacesAFileOfTheSameLengthWithOtherContent() throws IOException {
        for (URL resource : List.of(IN_JAR, IN_DIRECTORY)) {
            Path file = unpack(resource);
            byte[] planted = content(resource);
            planted[planted.length / 2] ^= 1;
            Files.write(file, planted);
            unpack(resource);
            assertArrayEquals(content(resource), Files.readAllBytes(file));
        }
    }

    @Test
    void replacesAHalfWrittenFileAndALink() throws IOException {
        Path file = unpack(IN_JAR);
        Files.write(file, Arrays.copyOf(content(IN_JAR), 10));
        unpack(IN_JAR);
        assertArrayEquals(content(IN_JAR), Files.readAllBytes(file));

        Files.createSymbolicLink(file, Files.move(file, scratch.resolve("elsewhere")));
        unpack(IN_JAR);
        assertFalse(Files.isSymbolicLink(file));
    }

    @Test
    void whatAKilledProcessLeavesIsClearedAsOtherUnfinishedFiles() throws IOException {
        Path kept = scratch.resolve("kept");
        List<Path> left = new ArrayList<>();
        unpack(read(() -> left.addAll(files(kept))));
        left.removeIf(file -> file.toString().endsWith(".lock")); // which is free once a process is killed
        assertEquals(1, left.size());
        Files.createFile(left.getFirst());
        UnfinishedFile.clear(kept);
        assertEquals(List.of(kept.resolve("library")), files(kept));
    }

    private interface Read {
        void begin() throws IOException;
    }

    /// Returns a resource that tells when it is read.
    private static URL read(Read read) throws IOException {
        InputStream content = new ByteArrayInputStream(new byte[1]) {
            @Override
            public synchronized long transferTo(OutputStream out) throws IOException {
                read.begin();
                return super.transferTo(out);
            }
        };
        return URL.of(URI.create("told:resource"), new URLStreamHandler() {
            @Override
            protected URLConnection openConnection(URL url) {
                return new URLConnection(url) {
                    @Override
                    public void connect() {}

                    @Override
                    public InputStream getInputStream() {
                        return content;
                    }
                };
            }
        });
    }

    @Test
    void replacesAFileThatOthersMayWrite() throws IOException {
        Path file = unpack(IN_JAR);
        Files.setLastModifiedTime(file, LONG_AGO);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxrwxr-x"));
        unpack(IN_JAR);
        assertNotEquals(LONG_AGO, Files.getLastModifiedTime(file));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }

    @Test
    void refusesADirectoryThatOthersMayWrite() throws IOException {
        Path directory = Files.createDirectory(scratch.resolve("shared"));
        for (String open : List.of("rwxrwx---", "rwx---rwx")) {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(open));
            assertRefused(directory);
        }
        assertRefused(directory.resolve("inside"));
    }

    @Test
    void refusesADirectoryBehindALink() throws IOException {
        assertRefused(Files.createSymbolicLink(scratch.resolve("link"), scratch));
    }

    @Test
    void aTemporaryDirectoryTakesThePlaceOfARefusedOneAndGoesWithItsFiles() throws IOException {
        // A file where a directory should be stops even root.
        Path refused = Files.createFile(scratch.resolve("file")).resolve("inside");
        Path made;
        try (PrivateDirectory directory = PrivateDirectory.open(refused)) {
            Path unpacked = directory.unpack(IN_JAR, "library");
            assertArrayEquals(content(IN_JAR), Files.readAllBytes(unpacked));
            made = Objects.requireNonNull(unpacked.getParent());
            assertFalse(made.startsWith(scratch));
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(made)));
        }
        assertFalse(Files.exists(made));
    }

    private Path unpack(URL resource) throws IOException {
        try (PrivateDirectory directory = PrivateDirectory.kept(scratch.resolve("kept"))) {
            return directory.unpack(resource, "library");
        }
    }

    private static void assertRefused(Path directory) {
        FileSystemException refusal =
                assertThrows(FileSystemException.class, () -> PrivateDirectory.kept(directory), directory::toString);
        assertTrue(String.valueOf(refusal.getReason()).endsWith("may write to it"), refusal::getMessage);
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static byte[] content(URL resource) throws IOException {
        try (InputStream in = resource.openStream()) {
            return in.readAllBytes();
        }
    }
}
